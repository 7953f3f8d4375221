"""Short waits pass, a long one is cut, and whoever else cancels is obeyed."""

import asyncio

import pytest

from catalog_service.serving.patience import Patience
from tests.fakes.in_loop import in_loop


@in_loop
async def test_a_wait_that_is_too_long_is_cut():
    limit = Patience(0.05)

    with pytest.raises(TimeoutError), limit:
        await asyncio.sleep(60)

    assert asyncio.current_task().cancelling() == 0


@in_loop
async def test_many_short_waits_are_no_long_one():
    limit = Patience(1.0)

    for _ in range(60):
        with limit:
            await asyncio.sleep(0.02)
    with pytest.raises(TimeoutError), limit:
        await asyncio.sleep(60)


@in_loop
async def test_time_between_two_waits_does_not_count():
    limit = Patience(0.05)

    await asyncio.sleep(0.2)
    with limit:
        await asyncio.sleep(0)


@in_loop
async def test_a_cancellation_from_elsewhere_goes_through():
    async def wait():
        with Patience(60):
            await asyncio.sleep(60)

    task = asyncio.ensure_future(wait())
    await asyncio.sleep(0.01)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


@in_loop
async def test_nothing_is_cut_once_it_is_stopped():
    limit = Patience(0.05)

    limit.stop()
    with limit:
        await asyncio.sleep(0.2)
