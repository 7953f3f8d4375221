"""Where and how a job runs: nothing here changes what it learns."""

from dataclasses import dataclass
from typing import Literal

EngineName = Literal["process", "ray"]

UNLIMITED = -1
DEFAULT_MAX_FAILURES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """Where and how a job runs."""

    priority: int = 0
    """A larger one starts first; among equals the oldest."""
    num_devices: int = 1
    """Each trains on its part of every batch."""
    engine: EngineName = "process"
    max_failures: int = DEFAULT_MAX_FAILURES
    """How often it is started again after a crash, a hang, or the host's memory ran out."""
    max_preemptions: int = UNLIMITED
    """The same after it was preempted or its host was lost."""
    time_limit_s: float = 0.0
    """From the first start on; 0 means none."""
    snapshot_interval_s: float = 0.0
    """0 means that it is chosen."""
