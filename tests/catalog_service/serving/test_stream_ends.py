"""Who ended a stream, and after what one is opened again: counted, with words of a closed list."""

import asyncio
import logging

import grpc
import pytest
from prometheus_client import generate_latest

from catalog_service.serving.stream_ends import RESUMED_HEADER, end_in, resumed_after, say_end
from tests.fakes.echo_service import NAME, echo_server
from tests.fakes.in_loop import in_loop, until
from vertebra.blob.v1 import blob_service_pb2
from vertebra.model.v1.stream_pb2 import StreamEnd

STREAM = f"{NAME}/UnaryStream"


def counted(echo, reason: str) -> bool:
    line = f'vertebra_rpc_streams_ended_total{{reason="{reason}",rpc="{STREAM}"}} 1.0'
    return line in generate_latest(echo.parts.telemetry.registry).decode()


@pytest.mark.parametrize(
    ("message", "word"),
    [
        (blob_service_pb2.ReadBlobResponse(end=StreamEnd(reason=1)), "completed"),
        (blob_service_pb2.ReadBlobResponse(offset=3), ""),
        (StreamEnd(reason=1), ""),
        (b"bytes", ""),
        (None, ""),
    ],
)
def test_the_last_message_says_how_a_stream_ended(message, word):
    assert end_in(message) == word


@in_loop
async def test_what_a_servicer_says_of_the_end_is_counted():
    async def rotate(text: str) -> str:
        say_end(StreamEnd.REASON_ROTATE)
        return text

    async with echo_server(rotate) as echo:
        await echo.call("UnaryStream", "a")
        await until(lambda: counted(echo, "rotate"))


@in_loop
async def test_a_stream_that_says_nothing_is_completed_and_one_that_raises_is_an_error():
    async def fail(text: str) -> str:
        if text == "fail":
            raise RuntimeError("a bug")
        return text

    async with echo_server(fail) as echo:
        await echo.call("UnaryStream", "a")
        with pytest.raises(grpc.aio.AioRpcError):
            await echo.call("UnaryStream", "fail")
        await until(lambda: counted(echo, "completed") and counted(echo, "error"))


@in_loop
async def test_a_caller_who_leaves_is_who_ended_the_stream():
    async def for_ever(text: str) -> str:
        await asyncio.Event().wait()
        return text

    async with echo_server(for_ever) as echo:
        call = echo.start("UnaryStream", b"")
        await until(lambda: echo.server.in_flight.num_calls == 1)
        call.cancel()
        await until(lambda: counted(echo, "cancelled"))


@in_loop
async def test_a_stream_that_is_opened_again_says_after_what(caplog):
    caplog.set_level(logging.INFO)
    async with echo_server() as echo:
        call = echo.start("UnaryStream", b"", metadata=((RESUMED_HEADER, "rotate"),))
        assert [message async for message in call]
        await until(lambda: counted(echo, "completed"))
        page = generate_latest(echo.parts.telemetry.registry).decode()

    assert f'streams_resumed_total{{after="rotate",rpc="{STREAM}"}} 1.0' in page
    assert [r.resumed_after for r in caplog.records if hasattr(r, "resumed_after")] == ["rotate"]


@pytest.mark.parametrize("header", ["x" * 5000, "evil{job='1'}", b"\xff"])
def test_a_word_that_we_do_not_know_makes_no_time_series_of_its_own(header):
    assert resumed_after(header) == "other"
