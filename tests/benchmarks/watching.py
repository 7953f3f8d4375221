"""Watchers of jobs that run: how late they hear, what each event and each stopped reader costs.

Ours stores every event before anyone sees it, and sends it in order and once; the naive server
sends from memory and keeps nothing.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import grpc
import psutil

from tests.benchmarks.rows import (
    CPU_CLOCK_S,
    Metric,
    Row,
    Sample,
    Way,
    compare,
    cpu_seconds,
    take_turns,
)
from tests.fakes.stalled_reader import stalled_reader
from vertebra.trainer.v1 import train_job_service_pb2 as wire
from vertebra.trainer.v1.train_job_service_pb2_grpc import TrainJobServiceStub

STREAMS_PER_CONNECTION = 100
"""As a browser's gateway has them; servers allow 256."""
WATCH = "/vertebra.trainer.v1.TrainJobService/WatchTrainJob"

LIVE_METRICS = (
    Metric(name="p99_ms", title="p99 from event to watcher, ms"),
    Metric(name="server_cpu_percent", title="server CPU, % of a core"),
)
BURST_METRICS = (
    Metric(name="p99_ms", title="p99 in a burst, ms"),
    Metric(name="events_per_s", title="events/s told in a burst", more_is_better=True),
)
STOPPED_METRICS = (Metric(name="reader_mb", title="MB of a reader that stopped"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured."""

    num_watchers: int
    events_per_s: float
    seconds: float
    num_burst_jobs: int
    burst_events_per_s: float
    burst_s: float
    num_stopped: int
    num_stopped_events: int
    num_rounds: int


@dataclass(slots=True)
class Site:
    """A server of `live_jobs.py`."""

    address: str
    names: Sequence[str]
    program: "subprocess.Popen[str]"

    def tell(self, seconds: float, rate: float) -> int:
        """Have every job tell so many steps a second; return how many it were."""
        return int(self._ask(f"{seconds} {rate}"))

    def finish(self) -> None:
        """End all jobs."""
        self._ask("")

    def _ask(self, line: str) -> str:
        assert self.program.stdin and self.program.stdout
        self.program.stdin.write(f"{line}\n")
        self.program.stdin.flush()
        return self.program.stdout.readline()


class Watcher:
    """Hears the steps of one job, each once and in order."""

    def __init__(self) -> None:
        self.last_step = 0
        self.late_s: list[float] = []

    async def hear(self, stub: TrainJobServiceStub, name: str) -> None:
        """Listen until the stream ends."""
        async for message in stub.WatchTrainJob(wire.WatchTrainJobRequest(name=name)):
            now = time.time()
            for event in message.events.events:
                if event.HasField("step_metrics"):
                    step = event.step_metrics.step
                    assert self.last_step in (0, step - 1), "not in order, or twice"
                    self.last_step = step
                    self.late_s.append(now - event.time.ToNanoseconds() / 1e9)


@contextmanager
def live(kind: str, num_jobs: int) -> Iterator[Site]:
    """Start one."""
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "tests.benchmarks.live_jobs", kind, home, str(num_jobs)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen(command, text=True, **pipes) as program:  # type: ignore[call-overload]
            assert program.stdout
            address, *names = program.stdout.readline().split()
            try:
                yield Site(address, names, program)
            finally:
                program.kill()


def measure(size: Size) -> list[Row]:
    """Return the rows of watchers, of a burst, and of readers that stopped."""
    rows = []
    for metrics, run in (
        (LIVE_METRICS, _watched),
        (BURST_METRICS, _burst),
        (STOPPED_METRICS, _stopped),
    ):
        ours, peer = (
            Way(
                name=name,
                command=f"python -m tests.benchmarks.live_jobs {kind}; {_words(size, metrics)}",
                run=lambda kind=kind, run=run: run(kind, size),  # type: ignore[misc]
            )
            for kind, name in (("ours", "WatchTrainJob"), ("naive", "queue per watcher"))
        )
        samples = take_turns([ours, peer], size.num_rounds)
        rows += compare("watching", ours, peer, metrics, samples)
    return rows


def _words(size: Size, metrics: Sequence[Metric]) -> str:
    if metrics is LIVE_METRICS:
        return f"{size.num_watchers} watchers of a job with {size.events_per_s:g} events/s"
    if metrics is BURST_METRICS:
        return f"{size.num_burst_jobs} jobs with {size.burst_events_per_s:g} events/s together"
    return f"{size.num_stopped} readers stop before {size.num_stopped_events} events"


def _watched(kind: str, size: Size) -> Sample:
    """Watch one job with everybody."""
    with live(kind, 1) as site:
        return asyncio.run(_watch(site, size.num_watchers, size.events_per_s, size.seconds))


def _burst(kind: str, size: Size) -> Sample:
    """Watch each of some jobs once."""
    with live(kind, size.num_burst_jobs) as site:
        rate = size.burst_events_per_s / size.num_burst_jobs
        return asyncio.run(_watch(site, size.num_burst_jobs, rate, size.burst_s))


async def _watch(site: Site, num_watchers: int, rate: float, seconds: float) -> Sample:
    """Watch while the jobs tell; nothing may be lost, doubled or out of order."""
    pid = site.program.pid
    watchers = [Watcher() for _ in range(num_watchers)]
    async with _channels(site, num_watchers) as stubs:
        streams = [
            asyncio.ensure_future(
                watcher.hear(stubs[n % len(stubs)], site.names[n % len(site.names)])
            )
            for n, watcher in enumerate(watchers)
        ]
        num_before = await _until_all_listen(site, watchers)
        began, cpu_s = time.monotonic(), -cpu_seconds(pid)
        num_told = await asyncio.to_thread(site.tell, seconds, rate)
        wall_s, cpu_s = time.monotonic() - began, max(cpu_s + cpu_seconds(pid), CPU_CLOCK_S)
        await asyncio.to_thread(site.finish)
        await asyncio.gather(*streams)
    assert {len(watcher.late_s) for watcher in watchers} == {num_told}, "events were lost"
    assert {watcher.last_step for watcher in watchers} == {num_before + num_told}
    late_s = sorted(late for watcher in watchers for late in watcher.late_s)
    return {
        "p99_ms": late_s[len(late_s) * 99 // 100] * 1e3,
        "server_cpu_percent": cpu_s / wall_s * 100,
        "events_per_s": num_told * len(site.names) / wall_s,
    }


async def _until_all_listen(site: Site, watchers: Sequence[Watcher]) -> int:
    """Tell a few steps until everybody has heard the last one; return how many there were."""
    num_told = 0
    while {watcher.last_step for watcher in watchers} != {num_told} or not num_told:
        num_told += await asyncio.to_thread(site.tell, 0.3, 10)
        await asyncio.sleep(0.5)
    for watcher in watchers:
        watcher.late_s.clear()
    return num_told


@asynccontextmanager
async def _channels(site: Site, num_watchers: int) -> AsyncIterator[list[TrainJobServiceStub]]:
    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [
        grpc.aio.insecure_channel(site.address, options=options)
        for _ in range(-(-num_watchers // STREAMS_PER_CONNECTION))
    ]
    yield [TrainJobServiceStub(channel) for channel in channels]
    for channel in channels:
        await channel.close()


def _stopped(kind: str, size: Size) -> Sample:
    """Have readers stop, then tell many events; return what each of them costs."""
    with live(kind, 1) as site:
        return asyncio.run(_stop_reading(site, size))


async def _stop_reading(site: Site, size: Size) -> Sample:
    process = psutil.Process(site.program.pid)
    await asyncio.to_thread(site.tell, 0.5, size.num_stopped_events / 2)  # caches are warm
    alone = await _grown(process, site, size)
    request = wire.WatchTrainJobRequest(name=site.names[0]).SerializeToString()
    async with stalled_reader(site.address) as reader:
        for _ in range(size.num_stopped):
            reader.call(WATCH, request)
        await asyncio.sleep(1 + size.num_stopped / 50)
        with_readers = await _grown(process, site, size)
    return {"reader_mb": max(with_readers - alone, 1e3) / size.num_stopped / 1e6}


async def _grown(process: psutil.Process, site: Site, size: Size) -> float:
    """Tell events; return by how many bytes the server grew."""
    before = process.memory_info().rss
    await asyncio.to_thread(site.tell, 1.0, size.num_stopped_events)
    return float(process.memory_info().rss - before)
