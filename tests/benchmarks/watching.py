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
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Protocol

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
from tests.fakes.collecting_reader import CollectingReader, collecting_reader
from tests.fakes.stalled_reader import stalled_reader
from vertebra.trainer.v1 import train_job_service_pb2 as wire
from vertebra.trainer.v1.train_job_service_pb2_grpc import TrainJobServiceStub

STREAMS_PER_CONNECTION = 100
"""As a browser's gateway has them; servers allow 256."""
WATCH = "/vertebra.trainer.v1.TrainJobService/WatchTrainJob"
EVERY_NTH_IS_REAL = 25
"""So many watchers are grpcio's, which look into every message at once. The others only take what
comes, since a thousand of grpcio's use a core of their own, and then it is they that are measured.
"""

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


class Watcher(Protocol):
    """Hears the steps of one job."""

    async def hear(self) -> None:
        """Listen until the stream ends."""

    def steps(self) -> list[tuple[int, float]]:
        """Return each step that came, and how many seconds late."""


class RealWatcher:
    """What a program with our stubs is."""

    def __init__(self, stub: TrainJobServiceStub, name: str) -> None:
        self._stub = stub
        self._request = wire.WatchTrainJobRequest(name=name)
        self._steps: list[tuple[int, float]] = []

    async def hear(self) -> None:
        """Listen until the stream ends."""
        async for message in self._stub.WatchTrainJob(self._request):
            self._steps += steps_of(message, time.time())

    def steps(self) -> list[tuple[int, float]]:
        """Return each step that came, and how many seconds late."""
        return self._steps


class CheapWatcher:
    """Takes what comes; it is read when all is over."""

    def __init__(self, reader: CollectingReader, name: str) -> None:
        request = wire.WatchTrainJobRequest(name=name)
        self._call = reader.call(WATCH, request.SerializeToString())

    async def hear(self) -> None:
        """Listen until the stream ends."""
        await self._call.is_over.wait()

    def steps(self) -> list[tuple[int, float]]:
        """Return each step that came, and how many seconds late."""
        return [
            step
            for came, data in self._call.messages()
            for step in steps_of(wire.WatchTrainJobResponse.FromString(data), came)
        ]


def steps_of(message: wire.WatchTrainJobResponse, came: float) -> list[tuple[int, float]]:
    """Return the steps of a message, and how many seconds late each is."""
    return [
        (event.step_metrics.step, came - event.time.ToNanoseconds() / 1e9)
        for event in message.events.events
        if event.HasField("step_metrics")
    ]


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
    async with _watching(site, num_watchers) as watchers:
        streams = [asyncio.ensure_future(watcher.hear()) for watcher in watchers]
        num_before = await _until_all_listen(site, watchers)
        began, cpu_s = time.monotonic(), -cpu_seconds(pid)
        num_told = await asyncio.to_thread(site.tell, seconds, rate)
        wall_s, cpu_s = time.monotonic() - began, max(cpu_s + cpu_seconds(pid), CPU_CLOCK_S)
        await asyncio.to_thread(site.finish)
        await asyncio.gather(*streams)
    late_s = []
    for watcher in watchers:
        steps = watcher.steps()
        told = list(range(1, num_before + num_told + 1))
        assert [step for step, _ in steps] == told[-len(steps) :], "lost, twice or not in order"
        assert len(steps) >= num_told
        late_s += [late for _, late in steps[-num_told:]]
    late_s.sort()
    return {
        "p99_ms": late_s[len(late_s) * 99 // 100] * 1e3,
        "server_cpu_percent": cpu_s / wall_s * 100,
        "events_per_s": num_told * len(site.names) / wall_s,
    }


async def _until_all_listen(site: Site, watchers: Sequence[Watcher]) -> int:
    """Tell a few steps until everybody has heard the last one; return how many there were."""
    num_told = 0
    while not num_told or any(not _has_heard(watcher, num_told) for watcher in watchers):
        num_told += await asyncio.to_thread(site.tell, 0.3, 10)
        await asyncio.sleep(0.5)
    return num_told


def _has_heard(watcher: Watcher, step: int) -> bool:
    return any(number == step for number, _ in watcher.steps()[-1:])


@asynccontextmanager
async def _watching(site: Site, num_watchers: int) -> AsyncIterator[list[Watcher]]:
    """Open the connections of all watchers, each with its share of them."""
    names = [site.names[number % len(site.names)] for number in range(num_watchers)]
    real, cheap = names[::EVERY_NTH_IS_REAL], list(names)
    del cheap[::EVERY_NTH_IS_REAL]
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with AsyncExitStack() as connections:
        watchers: list[Watcher] = []
        for some in _shares(real):
            channel = grpc.aio.insecure_channel(site.address, options=options)
            stub = TrainJobServiceStub(await connections.enter_async_context(channel))
            watchers += [RealWatcher(stub, name) for name in some]
        for some in _shares(cheap):
            reader = await connections.enter_async_context(collecting_reader(site.address))
            watchers += [CheapWatcher(reader, name) for name in some]
        yield watchers


def _shares(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield what goes over one connection, then the next."""
    for first in range(0, len(names), STREAMS_PER_CONNECTION):
        yield names[first : first + STREAMS_PER_CONNECTION]


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
