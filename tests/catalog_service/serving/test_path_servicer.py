"""What PathService says of a call is what arrived; what it is told to do, it does."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from catalog_service.errors import Exhausted
from catalog_service.serving.listen import Listen
from catalog_service.serving.path_servicer import (
    MAX_PROBES,
    PROBE_AGE_S,
    PathServicer,
    Probes,
    path_registration,
)
from catalog_service.serving.server import ServerParts, start_server
from tests.fakes.in_loop import in_loop
from vertebra.diagnostics.v1 import path_service_pb2 as pb
from vertebra.diagnostics.v1.path_service_pb2_grpc import PathServiceStub
from vertebra.model.v1.stream_pb2 import StreamEnd

LOOPBACK = Listen(host="127.0.0.1", port=0)
NO_RETRIES = (("grpc.enable_retries", 0),)


@asynccontextmanager
async def path_service() -> AsyncIterator[tuple[PathServiceStub, ServerParts]]:
    parts = ServerParts()
    registration = path_registration(PathServicer(parts.drain))
    server = await start_server(LOOPBACK, [registration], parts=parts)
    async with grpc.aio.insecure_channel(server.address, options=NO_RETRIES) as channel:
        yield PathServiceStub(channel), parts
    await server.drain_and_stop()


def info_of(error: grpc.aio.AioRpcError) -> error_details_pb2.ErrorInfo:
    trailers = dict(error.trailing_metadata() or ())
    info = error_details_pb2.ErrorInfo()
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    assert status.details[0].Unpack(info)
    return info


@in_loop
async def test_an_echo_tells_what_arrived():
    request = pb.EchoRequest(padding=bytes(1000), answer_bytes=2000)
    headers = (("x-envoy-attempt-count", "2"), ("via", "1.1 gate"), ("authorization", "Bearer x"))
    async with path_service() as (stub, _):
        answer = await stub.Echo(request, metadata=headers, timeout=60)

    shown = {header.name: header.value for header in answer.headers}
    assert answer.request_bytes == request.ByteSize()
    assert len(answer.padding) == 2000
    assert (shown["x-envoy-attempt-count"], shown["via"]) == ("2", "1.1 gate")
    assert "grpc-python" in shown["user-agent"]
    assert answer.peer.startswith("ipv4:127.0.0.1:")
    assert answer.principal == "anonymous"
    # gRPC rounds a minute up to tenths of a second on the wire.
    assert 0 < answer.time_remaining.ToTimedelta().total_seconds() <= 60.1


@in_loop
async def test_an_echo_never_shows_credentials():
    headers = (
        ("authorization", "Bearer secret"),
        ("cookie", "secret"),
        ("x-forwarded-client-cert", "Cert=secret"),
        ("x-forwarded-authorization", "secret"),
        ("x-forwarded-access-token", "secret"),
    )
    async with path_service() as (stub, _):
        answer = await stub.Echo(pb.EchoRequest(), metadata=headers)

    assert "secret" not in str(answer)


@in_loop
async def test_a_caller_without_a_deadline_has_no_time_remaining():
    async with path_service() as (stub, _):
        answer = await stub.Echo(pb.EchoRequest())

    assert not answer.HasField("time_remaining")


@pytest.mark.parametrize("answer_bytes", [-1, (6 << 20) + 1])
@in_loop
async def test_too_large_an_answer_is_an_invalid_argument(answer_bytes):
    async with path_service() as (stub, _):
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub.Echo(pb.EchoRequest(answer_bytes=answer_bytes))

    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert str(answer_bytes) in raised.value.details()


@in_loop
async def test_a_held_stream_beats_and_ends_completed():
    request = pb.HoldStreamRequest()
    request.duration.FromMilliseconds(500)
    request.interval.FromMilliseconds(50)
    async with path_service() as (stub, _):
        messages = [message async for message in stub.HoldStream(request)]

    assert [one.WhichOneof("message") for one in messages[:-1]] == ["heartbeat"] * (
        len(messages) - 1
    )
    assert len(messages) > 1
    assert messages[-1].end.reason == StreamEnd.REASON_COMPLETED


@in_loop
async def test_a_held_stream_without_an_interval_is_silent_until_its_end():
    request = pb.HoldStreamRequest()
    request.duration.FromMilliseconds(100)
    async with path_service() as (stub, _):
        messages = [message async for message in stub.HoldStream(request)]

    assert [one.WhichOneof("message") for one in messages] == ["end"]


@in_loop
async def test_a_held_stream_ends_with_draining_when_the_server_stops():
    request = pb.HoldStreamRequest()
    request.duration.FromSeconds(3000)
    request.interval.FromMilliseconds(20)
    async with path_service() as (stub, parts):
        stream = aiter(stub.HoldStream(request))
        assert (await anext(stream)).HasField("heartbeat")
        parts.drain.begin()
        messages = [message async for message in stream]

    assert messages[-1].end.reason == StreamEnd.REASON_DRAINING


@pytest.mark.parametrize(
    ("duration_ms", "interval_ms"), [(0, 1000), (-1, 1000), (3_600_001, 1000), (1000, 5), (1000, 0)]
)
@in_loop
async def test_times_that_make_no_stream_are_invalid_arguments(duration_ms, interval_ms):
    request = pb.HoldStreamRequest()
    request.duration.FromMilliseconds(duration_ms)
    request.interval.FromMilliseconds(interval_ms)
    async with path_service() as (stub, _):
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub.HoldStream(request).read()

    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT


@in_loop
async def test_a_probe_fails_as_often_as_told_and_then_says_how_often_it_was_called():
    request = pb.CountCallsRequest(probe_id=str(uuid.uuid4()), num_failures=2)
    codes, counts = [], []
    async with path_service() as (stub, _):
        for _ in range(2):
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await stub.CountCalls(request)
            codes.append(raised.value.code())
            counts.append(info_of(raised.value).metadata["num_calls"])
        answer = await stub.CountCalls(request)

    assert codes == [grpc.StatusCode.UNAVAILABLE] * 2
    assert counts == ["1", "2"]
    assert answer.num_calls == 3


@pytest.mark.parametrize(
    ("probe_id", "num_failures"),
    [("one", 1), (str(uuid.UUID(int=1)), 11), (str(uuid.UUID(int=2)), -1)],
)
@in_loop
async def test_a_probe_that_is_none_is_an_invalid_argument(probe_id, num_failures):
    async with path_service() as (stub, _):
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub.CountCalls(
                pb.CountCallsRequest(probe_id=probe_id, num_failures=num_failures)
            )

    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_probes_are_bounded_and_forgotten_after_ten_minutes():
    now = 0.0
    probes = Probes(clock=lambda: now)
    for number in range(MAX_PROBES):
        probes.count(str(number))

    with pytest.raises(Exhausted) as raised:
        probes.count("one more")
    assert probes.count("0") == 2
    assert raised.value.retry_after_s == PROBE_AGE_S
    now = PROBE_AGE_S

    assert probes.count("one more") == 1
    assert probes.count("0") == 1
