"""Shows a job while it runs: lines that stay, and one bar that moves."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
)

from vertebra.cli import exit_codes, words
from vertebra.cli.job_words import (
    epoch_line,
    event_line,
    how_to_go_on,
    print_outcome,
)
from vertebra.cli.plan_words import plan_view
from vertebra.cli.screen import print_json_line
from vertebra.trainer.v1 import train_event_pb2 as events
from vertebra.trainer.v1 import train_job_pb2 as jobs
from vertebra.trainer_client import TrainerClient
from vertebra.wire_json import to_json

OnEvent = Callable[[events.TrainEvent], None]


def follow_job(
    client: TrainerClient,
    name: str,
    console: Console,
    *,
    on_event: OnEvent | None = None,
    shows_plan: bool = True,
) -> jobs.TrainJob:
    """Show a job from its first event to its last, and return it in its final state.

    Args:
        name: the job's name or id.
        on_event: called with every event after it was shown.
        shows_plan: print which parameters train and which stay, once the worker has planned.

    Raises:
        RpcFailed: JOB_NOT_FOUND; or no contact for too long.
    """
    with _live_bar(console) as bar:
        watching = LiveJob(bar, client.get(name), shows_plan=shows_plan)
        for event in client.watch(name):
            watching.show(event)
            if on_event is not None:
                on_event(event)
    return client.get(name)


def watch_to_end(
    client: TrainerClient, name: str, page: Console, *, as_json: bool, shows_plan: bool = True
) -> int:
    """Show a job to its end and return the exit code; interrupting leaves it running."""
    try:
        if as_json:
            job = client.wait(name, on_event=_print_event)
        else:
            job = follow_job(client, name, page, shows_plan=shows_plan)
    except KeyboardInterrupt:
        click.echo(f"\nthe job goes on without you\n{how_to_go_on(name)}", err=True)
        return exit_codes.INTERRUPTED
    exports = list(client.list_exports(job.name))
    if as_json:
        print_json_line({"job": to_json(job), "exports": [to_json(one) for one in exports]})
    else:
        print_outcome(page, job, exports)
    has_succeeded = job.state == jobs.JOB_STATE_SUCCEEDED
    return exit_codes.OK if has_succeeded else exit_codes.JOB_FAILED


def _print_event(event: events.TrainEvent) -> None:
    print_json_line({"event": to_json(event)})


class LiveJob:
    """One moving bar: steps, speed and loss; everything else becomes a line above it."""

    def __init__(self, bar: Progress, job: jobs.TrainJob, *, shows_plan: bool) -> None:
        self._bar = bar
        self._shows_plan = shows_plan
        self._num_epochs = job.spec.num_epochs or _num_epochs(job.plan)
        self._passes: list[events.EpochMetrics] = []
        num_steps = job.plan.num_steps or None
        self._first_step: tuple[int, int] | None = None
        self._task = bar.add_task("waiting", total=num_steps, detail="")

    def show(self, event: events.TrainEvent) -> None:
        """Show one event."""
        kind = event.WhichOneof("event")
        if kind == "epoch_metrics":
            self._show_pass(event.epoch_metrics)
            return
        line = event_line(event)
        if line is not None:
            self._bar.console.print(line)
        if kind == "planned":
            if self._shows_plan:
                self._bar.console.print(plan_view(event.planned))
            self._bar.update(self._task, total=event.planned.num_steps)
            self._num_epochs = self._num_epochs or _num_epochs(event.planned)
        if kind == "state_changed":
            self._name_state(event.state_changed.to_state)
        if kind == "step_metrics":
            self._advance(event.step_metrics, event.time.seconds)

    def _show_pass(self, metrics: events.EpochMetrics) -> None:
        """Print one line a validation: the training of its epoch waits for it."""
        self._passes = [each for each in self._passes if each.epoch == metrics.epoch]
        self._passes.append(metrics)
        if metrics.split == "validation":
            self._bar.console.print(epoch_line(self._passes, self._num_epochs))
            self._passes = []

    def _name_state(self, state: jobs.JobState) -> None:
        word = words.word(jobs.JobState.Name(state), "JOB_STATE_")
        self._bar.update(self._task, description=word)

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


def _num_epochs(plan: jobs.TrainPlan) -> int:
    """Return how many epochs the steps of a plan are; 0 before there is a plan."""
    return math.ceil(plan.num_steps / plan.num_steps_per_epoch) if plan.num_steps else 0


@contextmanager
def _live_bar(page: Console) -> Iterator[Progress]:
    """Yield a bar that vanishes at the end; none is drawn where output is no terminal."""
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        TextColumn("{task.fields[detail]}", style="dim"),
        console=page,
        transient=True,
        disable=not page.is_terminal,
    )
    with bar:
        yield bar
