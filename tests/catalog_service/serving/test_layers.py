"""What is done around every call: its id, its log line and counts, and whether it is let in."""

import asyncio
import logging

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from catalog_service.errors import Exhausted
from catalog_service.serving.limits import Limits, Pool, pool_of
from catalog_service.serving.logs import request_id
from tests.fakes.echo_service import KINDS, NAME, echo_server
from tests.fakes.in_loop import in_loop, until


@pytest.mark.parametrize("kind", KINDS)
@in_loop
async def test_a_sane_request_id_comes_back_and_is_known_inside(kind):
    inside = []

    async def note(text: str) -> str:
        inside.append(request_id.get())
        return text

    async with echo_server(note) as echo:
        call = echo.start(kind, b"", metadata=(("x-request-id", "abc-1"),))
        if kind.endswith("Unary"):
            await call
        else:
            assert [message async for message in call]
        returned = dict(await call.trailing_metadata())["x-request-id"]

    assert (returned, set(inside)) == ("abc-1", {"abc-1"})


@pytest.mark.parametrize("given", ["", "a b", "x" * 200, "{'injected'}"])
@in_loop
async def test_any_other_request_id_is_replaced(given):
    async with echo_server() as echo:
        call = echo.start("UnaryUnary", b"", metadata=(("x-request-id", given),))
        await call
        returned = dict(await call.trailing_metadata())["x-request-id"]

    assert returned != given and len(returned) == 36


@in_loop
async def test_each_call_is_one_log_line_and_counted_by_code(caplog):
    caplog.set_level(logging.INFO)

    async def refuse(text: str) -> str:
        raise Exhausted("no", reason="DISK_FULL")

    async with echo_server(refuse) as echo:
        with pytest.raises(grpc.aio.AioRpcError):
            await echo.call("UnaryUnary", "a")
        await until(lambda: any(hasattr(r, "rpc") for r in caplog.records))
        metrics = echo.parts.telemetry
        name = f"{NAME}/UnaryUnary"
        counts = (
            metrics.started.labels(name)._value.get(),
            metrics.handled.labels(name, "RESOURCE_EXHAUSTED")._value.get(),
            metrics.in_flight.labels(name, "unary")._value.get(),
        )

    lines = [record for record in caplog.records if hasattr(record, "rpc")]
    assert [(r.rpc, r.code, r.reason) for r in lines] == [(name, "RESOURCE_EXHAUSTED", "DISK_FULL")]
    assert counts == (1, 1, 0)


@pytest.mark.parametrize(
    ("held_kind", "limits"),
    [("UnaryUnary", Limits(max_unary_calls=2)), ("StreamStream", Limits(max_streams=2))],
)
@in_loop
async def test_over_the_limit_a_call_is_told_when_to_come_back(held_kind, limits):
    release = asyncio.Event()

    async def wait(text: str) -> str:
        await release.wait()
        return text

    async with echo_server(wait, limits=limits) as echo:
        held = [asyncio.ensure_future(echo.call(held_kind, "a")) for _ in range(2)]
        await until(lambda: echo.server.in_flight.num_calls == 2)
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await echo.call(held_kind, "a")
        release.set()
        await asyncio.gather(*held)
        again = await echo.call(held_kind, "a")

    error = raised.value
    status = Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
    info, retry = ErrorInfo(), RetryInfo()
    assert any(detail.Unpack(info) for detail in status.details)
    assert any(detail.Unpack(retry) for detail in status.details)
    assert (error.code(), info.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "SERVER_BUSY")
    assert retry.retry_delay.ToSeconds() == 1
    assert again == ["a"]


@in_loop
async def test_full_streams_leave_room_for_unary_calls():
    release = asyncio.Event()

    async def wait(text: str) -> str:
        if text == "hold":
            await release.wait()
        return text

    async with echo_server(wait, limits=Limits(max_streams=1)) as echo:
        held = asyncio.ensure_future(echo.call("UnaryStream", "hold"))
        await until(lambda: echo.server.in_flight.num_calls == 1)
        answer = await echo.call("UnaryUnary", "a")
        release.set()
        await held

    assert answer == ["a"]


@in_loop
async def test_a_refused_call_is_not_even_decoded():
    async with echo_server(limits=Limits(max_unary_calls=0)) as echo:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await echo.call_raw("UnaryUnary", b"\xff\xff")

    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_byte_streams_health_and_reflection_have_places_of_their_own():
    pools = {
        "/vertebra.blob.v1.BlobService/ReadBlob": Pool.BYTES,
        "/vertebra.blob.v1.BlobService/WriteBlob": Pool.BYTES,
        "/vertebra.trainer.v1.TrainJobService/WatchTrainJob": Pool.STREAM,
        "/grpc.health.v1.Health/Watch": Pool.EXEMPT,
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": Pool.EXEMPT,
    }

    assert {method: pool_of(method, is_stream=True) for method in pools} == pools
    assert pool_of("/vertebra.blob.v1.BlobService/StatBlob", is_stream=False) is Pool.UNARY
