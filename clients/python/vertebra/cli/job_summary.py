"""A whole job on one page: how it stands, what was planned, what came of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from vertebra.cli import words
from vertebra.cli.curve_words import Curve, curves_of, curves_view
from vertebra.cli.data_words import data_view
from vertebra.cli.evaluation_words import evaluation_view, value
from vertebra.cli.job_words import state_text
from vertebra.cli.plan_words import plan_view, warning_line
from vertebra.cli.screen import facts, table, title
from vertebra.cli.snapshot_words import snapshot_text
from vertebra.trainer.v1 import evaluation_pb2 as evaluation
from vertebra.trainer.v1 import train_event_pb2 as events
from vertebra.trainer.v1 import train_job_pb2 as jobs
from vertebra.trainer.v1 import train_run_pb2 as runs

MAIN_METRIC = "accuracy"
"""Of jobs whose plan names none."""


@dataclass(slots=True, kw_only=True)
class History:
    """What a job's events say that the job itself does not."""

    curves: Mapping[str, Curve] = field(default_factory=dict)
    is_whole: bool = True
    """False where the oldest events are not kept any more, and with them the begin of curves."""
    warnings: list[str] = field(default_factory=list)
    report: evaluation.DataReport | None = None


def history_of(told: Iterable[events.TrainEvent]) -> History:
    """Return what of a job's events is worth a page."""
    history = History()
    passes = []
    for number, event in enumerate(told, start=1):
        kind = event.WhichOneof("event")
        history.is_whole &= event.seq == number
        if kind == "epoch_metrics":
            passes.append(event.epoch_metrics)
        elif kind == "data_checked":
            history.report = event.data_checked.report
        elif kind == "warning":
            history.warnings.append(event.warning.text)  # type: ignore[attr-defined]  # as in job_words
    history.curves = curves_of(passes)
    return history


def print_summary(
    page: Console, one: jobs.TrainJob, history: History, hosts: Mapping[str, str]
) -> None:
    """Print the job's life, plan, data, curves and classes; its exports are not here.

    Args:
        hosts: names by id, of those that are known.
    """
    name = f"  {one.spec.display_name}" if one.spec.display_name else ""
    page.print(title(one.job_id, f"{name}  ").append_text(state_text(one.state)))
    page.print()
    page.print(_life(one, hosts))
    for text in history.warnings:
        page.print(warning_line(text))
    if len(one.attempts) > 1:
        page.print()
        page.print(attempts_view(one.attempts, hosts))
    if one.HasField("plan"):
        page.print()
        page.print(plan_view(one.plan, one.spec))
    if history.report is not None:
        page.print()
        page.print(data_view(history.report))
    if history.curves:
        page.print()
        page.print(curves_view(history.curves))
    if one.HasField("evaluation"):
        page.print()
        for part in evaluation_view(one.evaluation):
            page.print(part)


def _life(one: jobs.TrainJob, hosts: Mapping[str, str]) -> object:
    metrics = [f"{name} {value(number)}" for name, number in sorted(one.metrics.items())]
    shown = [line for line in metrics if line.startswith("validation/")]
    return facts(
        ("why", one.failure.message or one.state_reason),
        ("waits until", words.when(one.not_before, to_the="second")),
        ("labels", ", ".join(f"{name}={text}" for name, text in sorted(one.spec.labels.items()))),
        ("priority", str(one.spec.run.priority or "")),
        ("backbone", one.spec.model.backbone),
        ("weights", one.model.lineage.parent or one.spec.model.weights or "default"),
        ("created", words.when(one.create_time)),
        ("started", words.when(one.start_time)),
        ("ended", words.when(one.end_time)),
        ("progress", progress(one)),
        ("host", _host(one.host, hosts)),
        ("snapshot", snapshot_text(one.snapshot) if one.HasField("snapshot") else ""),
        ("metrics", "\n".join(shown)),
    )


def attempts_view(attempts: Sequence[runs.Attempt], hosts: Mapping[str, str]) -> Table:
    """Return a line an attempt: where, from when on, over which steps, and how it ended."""
    lines = table("ATTEMPT", "HOST", "STARTED", "TOOK", "STEPS", "ENDED")
    for one in attempts:
        ended = words.word(runs.ExitClass.Name(one.exit_class), "EXIT_CLASS_")
        took_s = one.end_time.seconds - one.start_time.seconds
        lines.add_row(
            str(one.number),
            _host(one.host, hosts),
            words.when(one.start_time),
            words.duration(took_s) if one.end_time.seconds else "",
            f"{one.start_step:,} to {one.last_step:,}",
            "" if ended == "unspecified" else ended,
        )
    return lines


def _host(host_id: str, names: Mapping[str, str]) -> str:
    """Return the name of a host; of one that is not heard of any more the beginning of its id."""
    return names.get(host_id) or host_id[:8]


def progress(one: jobs.TrainJob) -> str:
    """Return `50 %, epoch 1/2`; empty before the first step."""
    if not one.progress.num_steps:
        return ""
    percent = words.percent(one.progress.step, one.progress.num_steps)
    return f"{percent}, epoch {one.progress.epoch}/{one.progress.num_epochs}"


def main_result(one: jobs.TrainJob) -> str:
    """Return the newest value of the metric that says which epoch is best: `accuracy 0.9749`."""
    name = one.plan.main_metric or MAIN_METRIC
    number = one.metrics.get(f"validation/{name}")
    return "-" if number is None else f"{name} {value(number)}"
