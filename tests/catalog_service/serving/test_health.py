"""Health answers for each service, whatever anybody else does."""

import asyncio
import time

import grpc
import grpc_health.v1.health
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from catalog_service.serving.health import NOT_SERVING, SERVICE_UNKNOWN, SERVING
from catalog_service.serving.limits import Limits
from tests.fakes.echo_service import NAME, echo_server
from tests.fakes.in_loop import in_loop, until
from tests.fakes.stalled_reader import stalled_reader

Request = health_pb2.HealthCheckRequest


async def check(stub: health_pb2_grpc.HealthStub, service: str) -> int:
    return (await stub.Check(Request(service=service))).status


@in_loop
async def test_a_running_server_and_each_service_are_serving():
    async with echo_server() as echo:
        stub = health_pb2_grpc.HealthStub(echo.channel)
        statuses = (await stub.List(health_pb2.HealthListRequest())).statuses

        assert {name: row.status for name, row in statuses.items()} == {"": SERVING, NAME: SERVING}
        assert await check(stub, NAME) == SERVING


@in_loop
async def test_checking_an_unknown_service_is_not_found_and_watching_it_is_not():
    """As health.proto wants it: a watcher may come before the service."""
    async with echo_server() as echo:
        stub = health_pb2_grpc.HealthStub(echo.channel)
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await check(stub, "nobody")
        first = await anext(aiter(stub.Watch(Request(service="nobody"))))

    assert raised.value.code() is grpc.StatusCode.NOT_FOUND
    assert first.status == SERVICE_UNKNOWN


@in_loop
async def test_draining_makes_services_unready_and_leaves_liveness():
    async with echo_server() as echo:
        stub = health_pb2_grpc.HealthStub(echo.channel)
        watch = aiter(stub.Watch(Request(service=NAME)))
        before = (await anext(watch)).status

        echo.server.health.set_serving(is_serving=False)

        after = (await anext(watch)).status
        assert (before, after) == (SERVING, NOT_SERVING)
        assert (await check(stub, NAME), await check(stub, "")) == (NOT_SERVING, SERVING)


@in_loop
async def test_a_watcher_sees_the_last_status_even_when_it_changed_while_it_slept():
    async with echo_server() as echo:
        stub = health_pb2_grpc.HealthStub(echo.channel)
        watch = aiter(stub.Watch(Request(service=NAME)))
        await anext(watch)

        for is_serving in (False, True, False):
            echo.server.health.set_serving(is_serving=is_serving)

        assert (await anext(watch)).status == NOT_SERVING


@in_loop
async def test_a_watcher_that_reads_nothing_delays_neither_status_nor_others_nor_shutdown(counted):
    async with echo_server() as echo, stalled_reader(echo.server.address) as attacker:
        for _ in range(3):
            attacker.call("/grpc.health.v1.Health/Watch", Request(service=NAME).SerializeToString())
        await attacker.got_headers.wait()
        stub = health_pb2_grpc.HealthStub(echo.channel)
        watch = aiter(stub.Watch(Request(service=NAME)))
        await anext(watch)

        echo.server.health.set_serving(is_serving=False)
        seen = (await anext(watch)).status
        began = time.monotonic()
        await echo.server.drain_and_stop()
        drain_s = time.monotonic() - began

    assert seen == NOT_SERVING
    assert drain_s < 25.0, "below the 28 s that calls in flight are given"
    counted(stalled_readers=3)


@in_loop
async def test_the_stock_servicer_does_not_get_past_such_a_watcher():
    """The control: why the health servicer is our own."""
    stock = grpc_health.v1.health.aio.HealthServicer()
    await stock.set(NAME, SERVING)
    server = grpc.aio.server()
    health_pb2_grpc.add_HealthServicer_to_server(stock, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with stalled_reader(f"127.0.0.1:{port}") as attacker:
        attacker.call("/grpc.health.v1.Health/Watch", Request(service=NAME).SerializeToString())
        await attacker.got_headers.wait()
        draining = asyncio.ensure_future(stock.enter_graceful_shutdown())
        done, _ = await asyncio.wait({draining}, timeout=1.0)
        draining.cancel()
    await server.stop(None)

    assert not done


@in_loop
async def test_health_answers_when_every_place_is_taken():
    release = asyncio.Event()

    async def wait(text: str) -> str:
        await release.wait()
        return text

    async with echo_server(wait, limits=Limits(max_unary_calls=1, max_streams=1)) as echo:
        held = [echo.start("UnaryUnary", b""), echo.start("UnaryStream", b"")]
        reading = [asyncio.ensure_future(_read(call)) for call in held]
        await until(lambda: echo.server.in_flight.num_calls == 2)

        status = await check(health_pb2_grpc.HealthStub(echo.channel), NAME)

        release.set()
        await asyncio.gather(*reading)
    assert status == SERVING


async def _read(call: object) -> None:
    if isinstance(call, grpc.aio.UnaryUnaryCall):
        await call
    else:
        async for _ in call:
            pass
