"""What a benchmark returns, and how two ways of doing one thing are measured side by side.

Wall time here is noise: other work shares the cores. So all ways run in turn, A B A B, in one run,
and what counts is the median of the ratios of neighbours.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

Sample = Mapping[str, float]
"""Metric -> value of one measurement. Its names say the unit: `wall_s`, `cpu_s`, `rss_mb`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way of doing something."""

    name: str
    command: str
    """What a person would type or write to do it this way."""
    run: Callable[[], Sample]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A number that is compared."""

    name: str
    """A key of the samples."""
    title: str
    """With its unit."""
    more_is_better: bool = False
    scale: float = 1.0
    """What samples are multiplied with to be in that unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Ours beside one peer, in one metric."""

    benchmark: str
    metric: str
    ours: str
    peer: str
    our_command: str
    peer_command: str
    our_values: tuple[float, ...]
    peer_values: tuple[float, ...]
    more_is_better: bool

    @property
    def our_median(self) -> float:
        """Return the median of our measurements."""
        return statistics.median(self.our_values)

    @property
    def peer_median(self) -> float:
        """Return the median of the peer's."""
        return statistics.median(self.peer_values)

    @property
    def ratios(self) -> tuple[float, ...]:
        """Return of each pair how many times better ours is; below 1 it is worse."""
        pairs = zip(self.our_values, self.peer_values, strict=True)
        return tuple(
            ours / peer if self.more_is_better else peer / ours
            for ours, peer in pairs
            if ours > 0 and peer > 0
        )

    @property
    def ratio(self) -> float:
        """Return the median of the pairs' ratios."""
        return statistics.median(self.ratios or (0.0,))


def take_turns(ways: Sequence[Way], num_rounds: int) -> dict[str, list[Sample]]:
    """Run every way once per round, in the same order; return the samples by name of the way."""
    samples: dict[str, list[Sample]] = {way.name: [] for way in ways}
    for _ in range(num_rounds):
        for way in ways:
            samples[way.name].append(way.run())
    return samples


def compare(
    benchmark: str,
    ours: Way,
    peer: Way,
    metrics: Sequence[Metric],
    samples: Mapping[str, Sequence[Sample]],
) -> list[Row]:
    """Return a row per metric."""
    return [
        Row(
            benchmark=benchmark,
            metric=metric.title,
            ours=ours.name,
            peer=peer.name,
            our_command=ours.command,
            peer_command=peer.command,
            our_values=_values(samples[ours.name], metric),
            peer_values=_values(samples[peer.name], metric),
            more_is_better=metric.more_is_better,
        )
        for metric in metrics
    ]


def _values(samples: Sequence[Sample], metric: Metric) -> tuple[float, ...]:
    return tuple(sample[metric.name] * metric.scale for sample in samples)


class Stopwatch:
    """Wall and CPU seconds of this process, all its threads."""

    wall_s = 0.0
    cpu_s = 0.0


@contextmanager
def stopwatch() -> Iterator[Stopwatch]:
    """Measure a block; the numbers are there when it is over."""
    watch = Stopwatch()
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    yield watch
    watch.wall_s = time.perf_counter() - wall_s
    watch.cpu_s = time.process_time() - cpu_s


CPU_CLOCK_S = 0.01
"""The kernel counts other processes' CPU time in these steps; less than one is shown as one."""


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds that another process used so far, in steps of CPU_CLOCK_S."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)
