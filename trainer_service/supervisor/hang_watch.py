"""Whether a worker still moves. Pure but for what it is told: no clock, no disk."""

import statistics
from collections import deque
from collections.abc import Sequence
from itertools import pairwise

from trainer_service.jobs import (
    EpochMetrics,
    JobEvent,
    SnapshotFailed,
    SnapshotTaken,
    SpoolLine,
    StepMetrics,
)
from trainer_service.supervisor.rooms import Timing

NUM_STEPS_SEEN = 50
"""The median is taken over the time between so many step events."""

IN_THE_LOOP: tuple[type[JobEvent], ...] = (StepMetrics, EpochMetrics, SnapshotTaken, SnapshotFailed)
"""Events after which the next batch is due, once there was a step: how long one takes is not known
before. After others there may be long work on one thing: compiling, reading a listing, hashing an
export."""


class HangWatch:
    """One attempt's signs of life.

    Args:
        now: seconds on the clock that all later calls use.
    """

    def __init__(self, timing: Timing, now: float) -> None:
        self._timing = timing
        self._last_sign = now
        self._longest_silence_s = 0.0
        self._step_times: deque[float] = deque(maxlen=NUM_STEPS_SEEN)
        self._has_stepped = False
        self._is_in_the_loop = False

    def moved(self, now: float) -> None:
        """Note a sign of life."""
        self._longest_silence_s = max(self._longest_silence_s, now - self._last_sign)
        self._last_sign = now

    def rest(self, now: float) -> None:
        """Count from here on: until now something else watched."""
        self._last_sign = now

    def told(self, lines: Sequence[SpoolLine], now: float) -> None:
        """Note what the worker said."""
        if not lines:
            return
        times = [line.time for line in lines if isinstance(line.event, StepMetrics)]
        self._step_times.extend(times)
        self._has_stepped = self._has_stepped or bool(times)
        self._is_in_the_loop = self._has_stepped and isinstance(lines[-1].event, IN_THE_LOOP)
        self.moved(now)

    def is_hung(self, now: float) -> bool:
        """Return whether it has been silent for longer than any reason explains."""
        return self.silence_s(now) > self.patience_s

    def silence_s(self, now: float) -> float:
        """Return how long there was no sign of life."""
        return now - self._last_sign

    @property
    def patience_s(self) -> float:
        """How long a silence may be now."""
        timing = self._timing
        in_the_loop = max(
            timing.hang_s,
            timing.hang_median_steps * self._median_step_s,
            timing.hang_longest_silences * self._longest_silence_s,
        )
        return in_the_loop if self._is_in_the_loop else max(in_the_loop, timing.long_phase_s)

    @property
    def _median_step_s(self) -> float:
        between = [later - earlier for earlier, later in pairwise(self._step_times)]
        return statistics.median(between) if between else 0.0
