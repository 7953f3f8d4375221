"""A job while it runs: what was said once is not said again when it is started again."""

import math

from rich.console import RenderableType
from rich.progress import Progress
from rich.text import Text

from vertebra.cli import words
from vertebra.cli.job_words import epoch_line, event_line, interrupted_line, state_line
from vertebra.cli.plan_words import plan_view
from vertebra.event_cursor import EventGap
from vertebra.trainer.v1 import train_event_pb2 as events
from vertebra.trainer.v1 import train_job_pb2 as jobs
from vertebra.trainer_client import FINAL_STATES

IN_THE_BAR_ONLY = (
    (jobs.JOB_STATE_RUNNING, jobs.JOB_STATE_PAUSING),
    (jobs.JOB_STATE_PAUSED, jobs.JOB_STATE_QUEUED),
)
"""Changes of state that are followed by a line that says more."""

NEWS = ("warning", "snapshot_failed")
"""What an attempt says before it trains that no attempt before it may have said."""

AT_WORK = (
    jobs.JOB_STATE_PREPARING,
    jobs.JOB_STATE_RUNNING,
    jobs.JOB_STATE_PAUSING,
    jobs.JOB_STATE_CANCELLING,
)
"""In which a long silence is worth a word."""

SEAMS = (jobs.JOB_STATE_PREPARING, jobs.JOB_STATE_RUNNING, jobs.JOB_STATE_PAUSING)
"""A job that goes from one of these into the queue was interrupted."""


class LiveJob:
    """One moving bar: steps, speed and loss; everything else becomes a line above it.

    A further attempt reads the data, makes the plan and may repeat an epoch as the one before did:
    what is the same as before is in the bar only, so that an interruption is a line or two.

    Args:
        shows_plan: print which parameters train and which stay, once the worker has planned.
        goes_on: an attempt that is watched from its begin, after others that were not.
    """

    def __init__(
        self, bar: Progress, job: jobs.TrainJob, *, shows_plan: bool, goes_on: bool = False
    ) -> None:
        self._bar = bar
        self._goes_on = goes_on
        self._shows_plan = shows_plan
        self._num_epochs = job.spec.num_epochs or _num_epochs(job.plan)
        self._passes: list[events.EpochMetrics] = []
        self._said: set[tuple[str, bytes]] = set()
        self._final: events.StateChanged | None = None
        num_steps = job.plan.num_steps or None
        self._first_step: tuple[int, int] | None = None
        is_at_work = job.state in AT_WORK
        self._task = bar.add_task(
            "waiting", total=num_steps, detail="", heard_at=bar.get_time(), is_at_work=is_at_work
        )

    def show(self, event: events.TrainEvent) -> None:
        """Show one event."""
        self._bar.update(self._task, heard_at=self._bar.get_time())
        self._show_final()
        kind = event.WhichOneof("event")
        self._goes_on &= kind not in ("step_metrics", "epoch_metrics")
        if kind == "epoch_metrics":
            self._show_pass(event.epoch_metrics)
        elif kind == "step_metrics":
            self._advance(event.step_metrics, event.time.seconds)
        elif kind == "state_changed":
            self._change_state(event)
        elif kind == "planned":
            self._plan(event)
        elif kind == "rolled_back":
            self._go_on(event)
        else:
            self._say(event)

    def miss(self, gap: EventGap) -> None:
        """Say that events went before they were shown."""
        told = f"events {gap.first_seq} to {gap.last_seq} are not kept any more; "
        self._print(Text(f"{told}`vertebra jobs metrics` has their curves", style="dim"))

    def _say(self, event: events.TrainEvent) -> None:
        """Print an event's line the first time; later it is what the bar says."""
        line = event_line(event)
        if line is None:
            return
        if self._is_new(event):
            self._print(line)
        if event.HasField("message"):
            self._bar.update(self._task, description=event.message.text)

    def _is_new(self, event: events.TrainEvent) -> bool:
        """Return whether nothing like it was said before."""
        kind = event.WhichOneof("event") or ""
        said = (kind, getattr(event, kind).SerializeToString(deterministic=True))
        is_news = said not in self._said and (not self._goes_on or kind in NEWS)
        self._said.add(said)
        return is_news

    def _plan(self, event: events.TrainEvent) -> None:
        self._bar.update(self._task, total=event.planned.num_steps)
        self._num_epochs = self._num_epochs or _num_epochs(event.planned)
        if self._is_new(event) and self._shows_plan:
            self._print(plan_view(event.planned))

    def _change_state(self, event: events.TrainEvent) -> None:
        change = event.state_changed
        word = words.word(jobs.JobState.Name(change.to_state), "JOB_STATE_")
        is_at_work = change.to_state in AT_WORK
        self._bar.update(self._task, description=word, detail="", is_at_work=is_at_work)
        self._first_step = None
        if change.to_state in FINAL_STATES:
            self._final = change
        elif change.to_state == jobs.JOB_STATE_QUEUED and change.from_state in SEAMS:
            self._print(interrupted_line(change.reason))
        elif (change.from_state, change.to_state) not in IN_THE_BAR_ONLY and (
            self._is_new(event) or change.reason
        ):
            self._print(state_line(change))

    def _show_final(self) -> None:
        """Print an end that was none: the job was resumed."""
        if self._final is not None:
            self._print(state_line(self._final))
            self._final = None

    def _go_on(self, event: events.TrainEvent) -> None:
        self._passes = []
        self._first_step = None
        self._bar.update(self._task, completed=event.rolled_back.to_step)
        line = event_line(event)
        if line is not None:
            self._print(line)

    def _show_pass(self, metrics: events.EpochMetrics) -> None:
        """Print one line a validation: the training of its epoch waits for it."""
        self._passes = [each for each in self._passes if each.epoch == metrics.epoch]
        self._passes.append(metrics)
        if metrics.split != "validation":
            return
        line = epoch_line(self._passes, self._num_epochs)
        said = ("epoch", line.plain.encode())
        if said not in self._said:
            self._said.add(said)
            self._print(line)
        self._passes = []

    def _advance(self, metrics: events.StepMetrics, time_s: int) -> None:
        parts = [self._remaining(metrics.step, time_s)]
        if metrics.images_per_s:
            parts.append(f"{metrics.images_per_s:.0f} img/s")
        if "loss" in metrics.values:
            parts.append(f"loss {words.metric(metrics.values['loss'])}")
        self._bar.update(
            self._task,
            completed=metrics.step,
            description=f"epoch {metrics.epoch}/{self._num_epochs or '?'}",
            detail="  ".join(part for part in parts if part),
        )

    def _remaining(self, step: int, time_s: int) -> str:
        """Return the time left by the trainer's clock: a watch may begin with old events."""
        if self._first_step is None:
            self._first_step = (step, time_s)
        first, began_s = self._first_step
        total = self._bar.tasks[self._task].total
        if total is None or step <= first:
            return ""
        return f"{words.duration((time_s - began_s) / (step - first) * (total - step))} left"

    def _print(self, line: RenderableType) -> None:
        self._bar.console.print(line)


def _num_epochs(plan: jobs.TrainPlan) -> int:
    """Return how many epochs the steps of a plan are; 0 before there is a plan."""
    return math.ceil(plan.num_steps / plan.num_steps_per_epoch) if plan.num_steps else 0
