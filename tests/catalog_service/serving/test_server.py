"""Starting and stopping a server: ports, reflection, bounded shutdown."""

import asyncio
import time

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from catalog_service.serving.drain import Drain, DrainTiming
from catalog_service.serving.listen import Listen
from catalog_service.serving.server import PortUnavailable, ServerParts, start_server
from tests.fakes.echo_service import NAME, EchoServicer, echo_registration, echo_server
from tests.fakes.in_loop import in_loop, until
from tests.fakes.stalled_reader import stalled_reader


@in_loop
async def test_an_occupied_port_is_an_error_that_says_so():
    """Without so_reuseport=0 a second server takes half of the calls, silently."""
    async with echo_server() as echo:
        taken = Listen.parse(echo.server.address)
        with pytest.raises(PortUnavailable, match=f"cannot listen on {taken}: the port is in use"):
            await start_server(taken, [echo_registration(EchoServicer())])


@in_loop
async def test_a_port_is_free_again_after_the_server_stopped():
    async with echo_server() as echo:
        address = Listen.parse(echo.server.address)
    server = await start_server(address, [echo_registration(EchoServicer())])
    await server.drain_and_stop()

    assert server.address == str(address)


@pytest.mark.parametrize("text", ["[::1]:0", "127.0.0.1:0", "localhost:0"])
@in_loop
async def test_the_address_of_a_running_server_can_be_dialled(text):
    server = await start_server(Listen.parse(text), [echo_registration(EchoServicer())])
    async with grpc.aio.insecure_channel(server.address) as channel:
        await asyncio.wait_for(channel.channel_ready(), 60)
    await server.drain_and_stop()


@pytest.mark.parametrize("text", ["", "host", "host:", ":1", "a b:1", "h:99999", "::1:80", "h:-1"])
def test_an_address_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="host:port"):
        Listen.parse(text)


@in_loop
async def test_reflection_lists_every_service():
    async with echo_server() as echo:
        stub = reflection_pb2_grpc.ServerReflectionStub(echo.channel)

        async def ask():
            yield reflection_pb2.ServerReflectionRequest(list_services="")

        answer = await anext(aiter(stub.ServerReflectionInfo(ask())))

    assert {service.name for service in answer.list_services_response.service} == {
        NAME,
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }


def timing(**changes: float) -> DrainTiming:
    return DrainTiming(**{"calls_s": 0.3, "stop_s": 0.2, **changes})


@in_loop
async def test_a_call_in_flight_ends_in_peace():
    entered = asyncio.Event()

    async def slow(text: str) -> str:
        entered.set()
        await asyncio.sleep(0.2)
        return text

    async with echo_server(slow) as echo:
        call = asyncio.ensure_future(echo.call("UnaryUnary", "a"))
        await entered.wait()
        await echo.server.drain_and_stop()

        assert await call == ["a"]


@in_loop
async def test_a_stream_that_looks_at_the_drain_ends_itself():
    drain = Drain()

    async def until_draining(text: str) -> str:
        await drain.draining.wait()
        return "draining"

    parts = ServerParts(drain=drain)
    async with echo_server(until_draining, parts=parts) as echo:
        call = asyncio.ensure_future(echo.call("UnaryStream", "a"))
        await until(lambda: echo.server.in_flight.num_calls == 1)
        await echo.server.drain_and_stop()

        assert await call == ["draining"] * 3


@in_loop
async def test_a_call_that_never_ends_is_cancelled_in_bounded_time():
    cancelled = asyncio.Event()

    async def stuck(text: str) -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return text

    async with echo_server(stuck, parts=ServerParts(timing=timing())) as echo:
        call = asyncio.ensure_future(echo.call("UnaryUnary", "a"))
        await until(lambda: echo.server.in_flight.num_calls == 1)
        began = time.monotonic()
        await echo.server.drain_and_stop()
        took_s = time.monotonic() - began
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await call

    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    assert cancelled.is_set()
    assert 0.5 <= took_s < 25.0, "below the 28 s that calls in flight are given"


@in_loop
async def test_a_second_signal_ends_the_waiting():
    async def stuck(text: str) -> str:
        await asyncio.Event().wait()
        return text

    parts = ServerParts(timing=timing(calls_s=3600, delay_s=3600))
    async with echo_server(stuck, parts=parts) as echo:
        call = asyncio.ensure_future(echo.call("UnaryUnary", "a"))
        await until(lambda: echo.server.in_flight.num_calls == 1)
        parts.drain.signalled()
        stopping = asyncio.ensure_future(echo.server.drain_and_stop())
        await asyncio.sleep(0.05)
        assert not stopping.done()
        parts.drain.signalled()
        await asyncio.wait_for(stopping, 60)
        await asyncio.wait({call})


@in_loop
async def test_calls_are_still_answered_while_endpoints_are_being_removed():
    parts = ServerParts(timing=timing(delay_s=3600))
    async with echo_server(parts=parts) as echo:
        stopping = asyncio.ensure_future(echo.server.drain_and_stop())
        await until(parts.drain.draining.is_set)

        assert await echo.call("UnaryUnary", "a") == ["a"]
        parts.drain.signalled()
        await stopping


@in_loop
async def test_an_answer_on_its_way_is_sent_before_the_server_stops():
    """The call is over for the service; its caller, who has room now, would see a failure."""
    parts = ServerParts(timing=timing(answers_s=3600))
    async with echo_server(parts=parts) as echo, stalled_reader(echo.server.address) as reader:
        reader.call(f"/{NAME}/UnaryUnary", StringValue(value="a").SerializeToString())
        await reader.got_headers.wait()
        stopping = asyncio.ensure_future(echo.server.drain_and_stop())
        await until(parts.drain.closing.is_set)
        await until(lambda: echo.server.in_flight.num_calls == 0)
        await asyncio.sleep(0.05)  # for a server that would cut it now
        reader.make_room(1)
        await until(lambda: reader.num_data_bytes > 0 or reader.closed.is_set())
        await stopping

    assert reader.num_data_bytes > 0


@in_loop
async def test_new_calls_are_sent_elsewhere_while_the_ones_in_flight_end():
    release = asyncio.Event()

    async def held(text: str) -> str:
        await release.wait()
        return text

    async with echo_server(held) as echo:
        call = asyncio.ensure_future(echo.call("UnaryUnary", "a"))
        await until(lambda: echo.server.in_flight.num_calls == 1)
        stopping = asyncio.ensure_future(echo.server.drain_and_stop())
        await asyncio.sleep(0.1)
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await echo.call("UnaryUnary", "b")
        release.set()

        assert await call == ["a"]
        await stopping
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
