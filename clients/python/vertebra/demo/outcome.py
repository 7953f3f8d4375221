"""Runs one job of a demo, shows it, and keeps what it left."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from rich.console import Console

from vertebra.cli.job_words import print_outcome
from vertebra.cli.live import follow_job
from vertebra.demo.jobs import Experiment
from vertebra.trainer.v1 import train_event_pb2
from vertebra.trainer.v1 import train_job_pb2 as wire
from vertebra.trainer_client import TrainerClient


class JobFailed(Exception):
    """A job of the demo did not succeed; its last message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one job left."""

    job: wire.TrainJob
    export: wire.Export
    validations: Mapping[int, Mapping[str, float]]
    """Epoch -> the metrics of its validation."""

    def by_epoch(self, metric: str) -> dict[int, float]:
        """Return a metric's course: epoch -> value."""
        return {epoch: values[metric] for epoch, values in self.validations.items()}

    def last(self, metric: str) -> float:
        """Return a metric after the last epoch."""
        return self.validations[max(self.validations)][metric]

    def path(self, kind: wire.ExportFile.Kind) -> str:
        """Return where the exported file of this kind is."""
        return next(file.path for file in self.export.files if file.kind == kind)


@dataclass(slots=True)
class _Recorder:
    """Keeps the metrics of each validation as events come by."""

    validations: dict[int, dict[str, float]] = field(default_factory=dict)

    def __call__(self, event: train_event_pb2.TrainEvent) -> None:
        metrics = event.epoch_metrics
        if event.WhichOneof("event") == "epoch_metrics" and metrics.split == "validation":
            self.validations[metrics.epoch] = dict(metrics.values)


def run_to_the_end(trainer: TrainerClient, spec: Experiment, console: Console) -> Outcome:
    """Create the job, show it while it runs, and return what it left.

    Raises:
        JobFailed: it did not succeed.
    """
    return follow_to_the_end(trainer, trainer.create(spec), console)


def follow_to_the_end(trainer: TrainerClient, job: wire.TrainJob, console: Console) -> Outcome:
    """Show a job from its first event on, which may be long ago, and return what it left.

    Raises:
        JobFailed: it did not succeed.
    """
    recorder = _Recorder()
    job = follow_job(trainer, job.name, console, on_event=recorder)
    if job.state != wire.JobState.JOB_STATE_SUCCEEDED:
        raise JobFailed(f"{job.name} ended as {_state(job)}: {job.state_reason}")
    exports = list(trainer.list_exports(job.name))
    print_outcome(console, job, exports)
    console.print()
    return Outcome(job=job, export=exports[0], validations=recorder.validations)


def _state(job: wire.TrainJob) -> str:
    return wire.JobState.Name(job.state).removeprefix("JOB_STATE_").lower()
