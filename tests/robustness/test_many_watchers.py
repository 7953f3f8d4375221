"""Thousands of watchers of one job: what each costs the server, and what it is told."""

import asyncio

import psutil
import pytest

from tests.benchmarks.rows import cpu_seconds
from tests.benchmarks.watching import Site, _watching, live
from tests.robustness.counting import Counted

MOST_KIB = 64.0
EVENTS_PER_S = 4.0
SECONDS = 2.0
KIB = 1024
WARM = 50


async def _steps_of_all(site: Site, num_watchers: int) -> tuple[int, list[list[int]], float]:
    """Return how many steps were told, what each watcher heard, and bytes a watcher."""
    process = psutil.Process(site.program.pid)
    async with _watching(site, WARM):
        await asyncio.to_thread(site.tell, 0.5, 10)
    before = process.memory_info().rss
    async with _watching(site, num_watchers) as watchers:
        streams = [asyncio.ensure_future(watcher.hear()) for watcher in watchers]
        num_told = await asyncio.to_thread(site.tell, 1.0, EVENTS_PER_S)
        num_told += await asyncio.to_thread(site.tell, SECONDS, EVENTS_PER_S)
        grown = process.memory_info().rss - before
        await asyncio.to_thread(site.finish)
        await asyncio.gather(*streams)
        heard = [[number for number, _ in watcher.steps()] for watcher in watchers]
    return num_told, heard, grown / num_watchers


@pytest.mark.parametrize(
    "num_watchers",
    [300, pytest.param(2000, marks=[pytest.mark.full, pytest.mark.timeout(900)])],
)
def test_a_watcher_costs_little_memory_and_loses_no_event(
    num_watchers: int, counted: Counted
) -> None:
    with live("ours", 1) as site:
        cpu_s = -cpu_seconds(site.program.pid)
        num_told, heard, grown = asyncio.run(_steps_of_all(site, num_watchers))
        cpu_s += cpu_seconds(site.program.pid)

    assert num_told > 5
    assert len(heard) == num_watchers
    assert all(steps == heard[0] for steps in heard)
    assert heard[0] == list(range(1, heard[0][-1] + 1))
    assert len(heard[0]) >= num_told
    assert grown / KIB < MOST_KIB
    counted(watchers=num_watchers, events=sum(map(len, heard)), lost=0)
    counted.most(
        kib_a_watcher=round(grown / KIB, 1),
        ms_of_cpu_a_watcher=round(cpu_s / num_watchers * 1000, 1),
    )
