"""Each server option does what it is there for. Times are scaled down, the names are the same."""

import asyncio
import dataclasses
import time
from collections import Counter

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from catalog_service.serving.drain import DrainTiming
from catalog_service.serving.options import MAX_MESSAGE_BYTES, SERVER_OPTIONS
from catalog_service.serving.server import ServerParts
from tests.fakes.echo_service import NAME, Echo, echo_server
from tests.fakes.in_loop import in_loop, until
from tests.fakes.stalled_reader import stalled_reader

EMPTY = StringValue().SerializeToString()
OWN_CONNECTION = [("grpc.use_local_subchannel_pool", 1)]


async def code_of(call: grpc.aio.UnaryUnaryCall) -> str:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error.code().name
    return "OK"


def with_options(**scaled: int) -> ServerParts:
    names = dict(SERVER_OPTIONS)
    options = {f"grpc.{name.replace('__', '.')}": value for name, value in scaled.items()}
    assert options.keys() <= names.keys(), "only options that we set"
    return ServerParts(options=options)


@in_loop
async def test_a_request_up_to_4_mib_is_taken_and_a_larger_one_is_refused_by_its_size(counted):
    async def swallow(text: str) -> str:
        return str(len(text))

    async with echo_server(swallow) as echo:
        largest = "x" * (MAX_MESSAGE_BYTES - 5)
        taken = await echo.call("UnaryUnary", largest)
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await echo.call("UnaryUnary", f"{largest}x")

    assert taken == [str(len(largest))]
    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "4194305 vs. 4194304" in raised.value.details()
    counted(large_requests=2)


@in_loop
async def test_an_answer_beyond_the_send_limit_is_refused_by_its_size():
    async def long(text: str) -> str:
        return "x" * 2000

    async with echo_server(long, parts=with_options(max_send_message_length=1000)) as echo:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await echo.call("UnaryUnary", "")

    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize(("size", "code"), [(7_000, "OK"), (17_000, "RESOURCE_EXHAUSTED")])
@in_loop
async def test_metadata_beyond_16_kib_is_refused_and_7_kib_are_taken(size, code, counted):
    """Between 8 and 16 KiB the core refuses at random, the more often the larger (gRFC A62)."""
    async with echo_server() as echo:
        call = echo.start("UnaryUnary", EMPTY, metadata=(("x-large", "y" * size),))

        assert await code_of(call) == code
    counted(large_headers=1)


async def burst(echo: Echo, num_calls: int) -> Counter[str]:
    channels = [
        grpc.aio.insecure_channel(echo.server.address, options=OWN_CONNECTION) for _ in range(8)
    ]
    calls = [channels[i % 8].unary_unary(f"/{NAME}/UnaryUnary")(EMPTY) for i in range(num_calls)]
    codes = Counter(await asyncio.gather(*map(code_of, calls)))
    for channel in channels:
        await channel.close()
    return codes


@in_loop
async def test_a_burst_of_1600_calls_is_served(counted):
    async with echo_server() as echo:
        codes = await burst(echo, 1600)

    assert set(codes) <= {"OK", "RESOURCE_EXHAUSTED"}, codes
    assert codes["OK"] > 0
    counted(calls=codes.total(), cancelled=0)


@in_loop
async def test_a_burst_with_few_pending_requests_is_cancelled_at_random():
    """The control: what the core does beyond its bound of waiting calls, here a lower one."""
    options = {"server__max_pending_requests": 50, "server__max_pending_requests_hard_limit": 60}
    async with echo_server(parts=with_options(**options)) as echo:
        codes = await burst(echo, 1600)

    assert codes["CANCELLED"] > 0, codes


async def burst_at_a_busy_server(echo: Echo, busy_s: float) -> Counter[str]:
    """Call 50 times while the server's loop does something else for so long."""
    with grpc.insecure_channel(echo.server.address) as channel:
        calls = [channel.unary_unary(f"/{NAME}/UnaryUnary").future(EMPTY) for _ in range(50)]
        time.sleep(busy_s)  # noqa: ASYNC251  # the loop is busy on purpose
        codes = await asyncio.to_thread(lambda: [call.code().name for call in calls])
    return Counter(codes)


@in_loop
async def test_calls_wait_for_a_busy_server():
    async with echo_server() as echo:
        codes = await burst_at_a_busy_server(echo, 2.5)

    assert codes == {"OK": 50}


@in_loop
async def test_calls_that_wait_for_longer_than_a_limit_are_cancelled():
    """The control: what the core does after 30 s by default, here after one."""
    async with echo_server(parts=with_options(server_max_unrequested_time_in_server=1)) as echo:
        codes = await burst_at_a_busy_server(echo, 2.5)

    assert codes["CANCELLED"] > 0, codes


@in_loop
async def test_a_connection_over_the_limit_is_closed():
    async with echo_server(parts=with_options(max_allowed_incoming_connections=2)) as echo:
        channels = [
            grpc.aio.insecure_channel(echo.server.address, options=OWN_CONNECTION) for _ in range(4)
        ]
        codes = [await code_of(c.unary_unary(f"/{NAME}/UnaryUnary")(EMPTY)) for c in channels]

    assert codes == ["OK", "OK", "UNAVAILABLE", "UNAVAILABLE"]


@in_loop
async def test_no_more_streams_of_a_connection_run_than_the_limit():
    """The others wait in the client; the core may also refuse some, which is safe to retry."""
    num_inside, most_inside = 0, 0

    async def count(text: str) -> str:
        nonlocal num_inside, most_inside
        num_inside += 1
        most_inside = max(most_inside, num_inside)
        await asyncio.sleep(0.05)
        num_inside -= 1
        return text

    async with echo_server(count, parts=with_options(max_concurrent_streams=3)) as echo:
        await echo.call("UnaryUnary", "so that the client has seen the server's settings")
        calls = [code_of(echo.start("UnaryUnary", EMPTY)) for _ in range(20)]
        codes = Counter(await asyncio.gather(*calls))

    assert 1 < most_inside <= 3
    assert codes["OK"] >= 3 and set(codes) <= {"OK", "UNAVAILABLE"}


NUM_PINGS, PING_S = 20, 0.15


async def pings_until_told_to_stop(parts: ServerParts) -> str:
    """Ping 20 times on a silent stream, as in ten minutes of every 30 s; return what is said."""

    timing = DrainTiming(calls_s=0.0, stop_s=0.1)
    parts = dataclasses.replace(parts, timing=timing)

    async def silent(text: str) -> str:
        await asyncio.Event().wait()
        return text

    async with (
        echo_server(silent, parts=parts) as echo,
        stalled_reader(echo.server.address) as client,
    ):
        client.call(f"/{NAME}/UnaryStream", EMPTY)
        for _ in range(NUM_PINGS):
            await client.ping()
            await asyncio.sleep(PING_S)
            if client.goaway:
                break
        return client.goaway


@in_loop
async def test_a_client_that_pings_slower_than_the_interval_is_left_alone(counted):
    options = {"http2__min_ping_interval_without_data_ms": 50}

    assert await pings_until_told_to_stop(with_options(**options)) == ""
    counted(pings=NUM_PINGS, sent_away=0)


@in_loop
async def test_a_client_that_pings_faster_than_the_interval_is_sent_away(counted):
    """The control, with the core's default of 5 minutes: what SDKs that ping every 30 s meet."""
    options = {"http2__min_ping_interval_without_data_ms": 300_000}

    assert "too_many_pings" in await pings_until_told_to_stop(with_options(**options))
    counted(controls_sent_away=1)


@in_loop
async def test_a_silent_connection_is_pinged_even_without_a_call():
    parts = with_options(keepalive_time_ms=200)
    async with echo_server(parts=parts) as echo, stalled_reader(echo.server.address) as client:
        await until(lambda: client.num_pings > 0)


@in_loop
async def test_a_peer_that_answers_no_ping_is_dropped():
    parts = with_options(keepalive_time_ms=200, http2__ping_timeout_ms=1000)
    async with echo_server(parts=parts) as echo, stalled_reader(echo.server.address) as client:
        client.answers_pings = False
        await client.closed.wait()

    assert client.goaway == "ping_timeout"


@in_loop
async def test_a_peer_that_answers_its_pings_is_pinged_again_and_stays():
    parts = with_options(keepalive_time_ms=200)
    async with echo_server(parts=parts) as echo, stalled_reader(echo.server.address) as client:
        await until(lambda: client.num_pings >= 3)

        assert not client.closed.is_set() and client.goaway == ""


@in_loop
async def test_a_peer_that_connects_and_says_nothing_is_dropped():
    async with echo_server(parts=with_options(server_handshake_timeout_ms=200)) as echo:
        host, _, port = echo.server.address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        while await asyncio.wait_for(reader.read(1000), 60):
            pass
        writer.close()


@in_loop
async def test_an_idle_connection_is_sent_away():
    async with (
        echo_server(parts=with_options(max_connection_idle_ms=200)) as echo,
        stalled_reader(echo.server.address) as client,
    ):
        await asyncio.wait_for(client.closed.wait(), 60)

    assert "connection idle" in client.goaway


@in_loop
async def test_an_old_connection_is_cut_even_under_a_stalled_reader(counted):
    parts = with_options(max_connection_age_ms=200, max_connection_age_grace_ms=200)
    async with echo_server(parts=parts) as echo, stalled_reader(echo.server.address) as client:
        client.call(f"/{NAME}/UnaryStream", EMPTY)
        await client.got_headers.wait()
        await asyncio.wait_for(client.closed.wait(), 60)

    assert "max connection age" in client.goaway or "max_age" in client.goaway
    counted(stalled_readers=1)
