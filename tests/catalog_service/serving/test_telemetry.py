"""The loop's lag is seen, and liveness depends on nothing else."""

import asyncio
import time

from prometheus_client import generate_latest

from catalog_service.serving.telemetry import MAX_LAG_S, LoopLag, Telemetry
from tests.fakes.in_loop import in_loop


@in_loop
async def test_a_blocked_loop_shows_as_lag_and_in_the_metrics():
    telemetry = Telemetry()
    lag = LoopLag(telemetry)
    watching = asyncio.ensure_future(lag.watch())
    await asyncio.sleep(0.3)
    before = lag.worst_s()

    time.sleep(before + 0.8)  # noqa: ASYNC251  # blocking is the point
    await asyncio.sleep(0.05)

    watching.cancel()
    assert before < lag.worst_s()
    assert 0.4 < lag.worst_s() < MAX_LAG_S
    assert lag.is_alive()
    assert f"event_loop_lag_seconds {lag.worst_s()}" in generate_latest(telemetry.registry).decode()


def test_a_loop_that_was_blocked_for_longer_than_the_bound_is_dead():
    lag = LoopLag(Telemetry())
    lag.note(0.2)
    assert lag.is_alive()

    lag.note(MAX_LAG_S + 1)

    assert not lag.is_alive()


def test_two_servers_in_one_process_count_for_themselves():
    one, other = Telemetry(), Telemetry()

    one.started.labels("a").inc()

    assert b'rpc="a"' in generate_latest(one.registry)
    assert b'rpc="a"' not in generate_latest(other.registry)
