"""What a host counts about the jobs that it looks after, for Prometheus. Labels are states, ways to
end and the like, never jobs: a series for each job would never end.
"""

import time
from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from trainer_service.jobs import (
    FINAL_STATES,
    EpochMetrics,
    ExitClass,
    JobState,
    RolledBack,
    SnapshotFailed,
    SnapshotTaken,
    SpoolLine,
    StepMetrics,
)

_SECONDS = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14400.0)
"""From a moment to half a night."""
_DELAYS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class JobMetrics:
    """The metrics of one supervisor; its methods are what the supervisor calls."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._count_ends()
        self._count_work()
        self.devices = self._gauge("devices", "Devices of this host.")
        self.devices_in_use = self._gauge("devices_in_use", "Those that jobs have.")
        self.jobs_held = self._gauge("held_jobs", "Jobs that this host looks after.")
        self.spool_lag = self._gauge(
            "spool_lag_bytes", "What workers said and nobody has stored: the most of one job."
        )
        self.lease_losses = self._counter("lease_losses", "Jobs that another host may have.")
        self.trouble = self._counter(
            "job_store_failures", "Steps that the job store did not answer."
        )

    def claimed(self, waited_s: float) -> None:
        """Count a job that got its devices."""
        self._queue_wait.observe(max(0.0, waited_s))

    def prepared(self, duration_s: float) -> None:
        """Count a model that is here."""
        self._prepare.observe(duration_s)

    def attempt_ended(self, exit_class: ExitClass) -> None:
        """Count an attempt that is over."""
        self._attempts.labels(exit_class.value).inc()

    def job_ended(self, state: JobState) -> None:
        """Count a job that is over."""
        self._jobs.labels(state.value).inc()

    def stored(self, lines: Sequence[SpoolLine]) -> None:
        """Count what a worker said, now that it is stored."""
        if not lines:
            return
        self._store_delay.observe(max(0.0, time.time() - lines[0].time))
        self._events.inc(len(lines))
        for line in lines:
            self._note(line)

    def _note(self, line: SpoolLine) -> None:
        match line.event:
            case StepMetrics():
                self._steps.inc()
            case EpochMetrics(split="train"):
                self._epochs.inc()
            case SnapshotTaken(snapshot=snapshot):
                self._save_time.observe(snapshot.save_s)
                self._saved.inc(snapshot.size_bytes)
            case SnapshotFailed():
                self._save_failures.inc()
            case RolledBack(num_lost_steps=num_lost_steps):
                self._lost_steps.inc(num_lost_steps)

    def _count_ends(self) -> None:
        self._attempts = self._counter(
            "attempts_ended", "Attempts by how they ended.", "exit_class"
        )
        self._jobs = self._counter("jobs_ended", "Jobs that ended here.", "state")
        _begin_at_zero(self._attempts, (each.value for each in ExitClass))
        _begin_at_zero(self._jobs, (each.value for each in FINAL_STATES))

    def _count_work(self) -> None:
        self._queue_wait = self._histogram("queue_wait_seconds", "From the queue to devices.")
        self._prepare = self._histogram("prepare_duration_seconds", "To have the model here.")
        self._steps = self._counter("steps", "Optimizer steps.")
        self._epochs = self._counter("epochs", "Passes over training data.")
        self._lost_steps = self._counter("lost_steps", "Steps that had to be done again.")
        self._save_time = self._histogram(
            "snapshot_save_duration_seconds", "How long training waited for a snapshot."
        )
        self._saved = self._counter("snapshot_bytes", "Bytes of snapshots.")
        self._save_failures = self._counter("snapshot_failures", "Snapshots not saved.")
        self._events = self._counter("events_stored", "Events of workers.")
        self._store_delay = Histogram(
            "vertebra_trainer_event_store_delay_seconds",
            "From the oldest word of a worker to its being stored.",
            buckets=_DELAYS_S,
            registry=self.registry,
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"vertebra_trainer_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"vertebra_trainer_{name}", text, registry=self.registry)

    def _histogram(self, name: str, text: str) -> Histogram:
        name = f"vertebra_trainer_{name}"
        return Histogram(name, text, buckets=_SECONDS, registry=self.registry)


def _begin_at_zero(counter: Counter, values: Iterable[str]) -> None:
    """Show every series from the start: the first failure is an increase then, and not a series
    that was not there.
    """
    for value in values:
        counter.labels(value)
