"""Every kind of call goes through the same layers, and fails in the same way."""

import asyncio
import logging

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RequestInfo
from google.rpc.status_pb2 import Status

from catalog_service.errors import NotFound, Violation, invalid
from catalog_service.serving.limits import Limits
from tests.fakes.echo_service import KINDS, NAME, Echo, echo_server
from tests.fakes.in_loop import in_loop, until
from tests.fakes.stalled_reader import stalled_reader

UNDECODABLE = b"\xff\xff\xff\xff"


def details_of(error: grpc.aio.AioRpcError) -> dict[type, object]:
    """Return the typed details by their type."""
    packed = dict(error.trailing_metadata())["grpc-status-details-bin"]
    found: dict[type, object] = {}
    for detail in Status.FromString(packed).details:
        for kind in (ErrorInfo, BadRequest, RequestInfo):
            if detail.Is(kind.DESCRIPTOR):
                found[kind] = kind.FromString(detail.value)
    return found


async def failure(
    echo: Echo, kind: str, *requests: bytes, **options: object
) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await echo.call_raw(kind, *requests, **options)
    return raised.value


async def not_found(text: str) -> str:
    raise NotFound(f"no {text!r}", reason="TEST_NOT_FOUND", metadata={"nearest": "b"})


async def bug(text: str) -> str:
    raise RuntimeError(f"secret of {text}")


@pytest.mark.parametrize("kind", KINDS)
@in_loop
async def test_messages_go_through_unchanged(kind):
    async with echo_server() as echo:
        assert "".join(await echo.call(kind, "héllo")) in ("héllo", "héllo" * 3)


@pytest.mark.parametrize("kind", KINDS)
@in_loop
async def test_a_kind_of_failure_arrives_as_its_status_with_the_reason(kind):
    async with echo_server(not_found) as echo:
        error = await failure(echo, kind, StringValue(value="a").SerializeToString())

    assert error.code() is grpc.StatusCode.NOT_FOUND
    assert error.details() == "no 'a'"
    info = details_of(error)[ErrorInfo]
    assert (info.reason, info.domain, dict(info.metadata)) == (
        "TEST_NOT_FOUND",
        "vertebra",
        {"nearest": "b"},
    )


@pytest.mark.parametrize("kind", KINDS)
@in_loop
async def test_a_bug_tells_the_caller_only_the_request_id_and_the_log_the_rest(kind, caplog):
    async with echo_server(bug) as echo:
        request = StringValue(value="a").SerializeToString()
        error = await failure(echo, kind, request, metadata=(("x-request-id", "id-7"),))

    assert error.code() is grpc.StatusCode.INTERNAL
    assert error.details() == "internal error; the log has the details under request id id-7"
    everything = str(error.trailing_metadata()) + str(error.debug_error_string())
    assert "secret" not in everything and "Traceback" not in everything
    assert details_of(error)[RequestInfo].request_id == "id-7"
    logged = [r for r in caplog.records if r.exc_info and r.name.startswith("catalog")]
    assert len(logged) == 1 and "secret of a" in str(logged[0].exc_info[1])


@pytest.mark.parametrize("kind", KINDS)
@in_loop
async def test_undecodable_bytes_are_an_invalid_argument(kind):
    async with echo_server() as echo:
        error = await failure(echo, kind, UNDECODABLE)

    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert details_of(error)[ErrorInfo].reason == "REQUEST_UNDECODABLE"


@pytest.mark.parametrize("kind", ["StreamUnary", "StreamStream"])
@in_loop
async def test_undecodable_bytes_in_the_middle_of_a_stream_are_an_invalid_argument(kind):
    good = StringValue(value="a").SerializeToString()
    async with echo_server() as echo:
        error = await failure(echo, kind, good, good, UNDECODABLE, good)

    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT


@in_loop
async def test_400_violations_still_arrive_as_invalid_argument(counted):
    async def refuse(text: str) -> str:
        description = "must be one of the forty-two known values, in lower case"
        raise invalid([Violation(field=f"a.b[{i}]", description=description) for i in range(400)])

    async with echo_server(refuse) as echo:
        error = await failure(echo, "UnaryUnary", b"")

    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    packed = dict(error.trailing_metadata())["grpc-status-details-bin"]
    assert len(packed) <= 4096
    shown = len(details_of(error)[BadRequest].field_violations)
    omitted = int(details_of(error)[ErrorInfo].metadata["violations_omitted"])
    assert 0 < shown <= 20 and shown + omitted == 400
    counted(violations=shown + omitted)
    counted.most(bytes_of_details=len(packed))


@in_loop
async def test_400_violations_uncut_would_not_arrive():
    """The control: why the details are cut."""

    async def refuse(request: bytes, context: grpc.aio.ServicerContext) -> bytes:
        details = b"x" * 40_000
        trailers = (("grpc-status-details-bin", details),)
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "m", trailers)
        return b""

    server = grpc.aio.server()
    handlers = {"M": grpc.unary_unary_rpc_method_handler(refuse)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("s", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await channel.unary_unary("/s/M")(b"")
    await server.stop(None)

    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize("kind", KINDS)
@in_loop
async def test_a_cancelled_call_cancels_its_handler_and_is_counted_as_cancelled(kind, caplog):
    caplog.set_level(logging.INFO)
    entered, cancelled = asyncio.Event(), asyncio.Event()

    async def wait(text: str) -> str:
        entered.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return text

    async with echo_server(wait) as echo:
        call = echo.start(kind, b"")
        reading = asyncio.ensure_future(anext(aiter(call)) if kind.endswith("Stream") else call)
        await asyncio.wait_for(entered.wait(), 60)
        call.cancel()
        await asyncio.wait({reading})
        await asyncio.wait_for(cancelled.wait(), 60)
        await asyncio.wait_for(echo.server.in_flight.until_none(), 60)
        counted = echo.parts.telemetry.handled.labels(f"{NAME}/{kind}", "CANCELLED")

    assert reading.cancelled() or isinstance(reading.exception(), asyncio.CancelledError)
    assert counted._value.get() == 1
    assert not [r for r in caplog.records if r.exc_info and r.name.startswith("catalog")]


@in_loop
async def test_the_generator_of_a_stream_is_closed_before_its_call_counts_as_ended():
    """gRPC itself leaves a generator that is not read to its end to the garbage collector."""
    async with (
        echo_server(limits=Limits(max_write_s=0.1)) as echo,
        stalled_reader(echo.server.address) as client,
    ):
        client.call(f"/{NAME}/UnaryStream", b"")
        await client.got_headers.wait()
        await asyncio.wait_for(echo.server.in_flight.until_none(), 60)

        assert echo.servicer.num_closed == 1


@in_loop
async def test_a_reader_that_takes_nothing_is_given_up():
    """gRPC's own write waits for ever; keepalive does not help, the peer answers pings."""
    async with echo_server(limits=Limits(max_write_s=0.2)) as echo:
        handled = echo.parts.telemetry.handled.labels(f"{NAME}/UnaryStream", "UNKNOWN")
        async with stalled_reader(echo.server.address) as client:
            client.call(f"/{NAME}/UnaryStream", StringValue(value="a").SerializeToString())
            await client.got_headers.wait()
            await until(lambda: handled._value.get() == 1)

            assert client.num_data_bytes == 0
