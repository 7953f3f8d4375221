"""A job in words: its plan as a table, its events as lines, what to do next."""

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.text import Text

from vertebra.cli import words
from vertebra.cli.data_words import data_lines
from vertebra.cli.evaluation_words import value
from vertebra.cli.plan_words import headline, stages, warning_line
from vertebra.cli.sample_words import sample_files, sample_names
from vertebra.cli.screen import facts
from vertebra.trainer.v1 import train_event_pb2 as events
from vertebra.trainer.v1 import train_job_pb2 as jobs

STATE_STYLES = {
    jobs.JOB_STATE_RUNNING: "bold blue",
    jobs.JOB_STATE_SUCCEEDED: "bold green",
    jobs.JOB_STATE_FAILED: "bold red",
    jobs.JOB_STATE_CANCELLED: "yellow",
    jobs.JOB_STATE_CANCELLING: "yellow",
    jobs.JOB_STATE_PAUSING: "yellow",
    jobs.JOB_STATE_PAUSED: "bold yellow",
}

FILE_WORDS = {
    jobs.ExportFile.KIND_BACKBONE_SAFETENSORS: "backbone",
    jobs.ExportFile.KIND_BACKBONE_CKPT: "backbone, torch.load",
    jobs.ExportFile.KIND_MODEL_SAFETENSORS: "whole model",
    jobs.ExportFile.KIND_METADATA_JSON: "metadata",
    jobs.ExportFile.KIND_METRICS_CSV: "metrics",
    jobs.ExportFile.KIND_CURVES_PNG: "learning curves",
    jobs.ExportFile.KIND_TENSORBOARD_EVENTS: "for TensorBoard",
}


def state_text(state: jobs.JobState) -> Text:
    """Return the state in its colour."""
    word = words.word(jobs.JobState.Name(state), "JOB_STATE_")
    return Text(word, style=STATE_STYLES.get(state, ""))


def epoch_line(passes: Sequence[events.EpochMetrics], num_epochs: int) -> Text:
    """Return `epoch 2/5   train loss 0.4000 accuracy 0.8800   validation loss 0.3000 ...`.

    Args:
        passes: over the splits of one epoch, at least one.
    """
    epoch = passes[0].epoch
    number = f"epoch {epoch}/{num_epochs or '?'}" if epoch else "start"
    width = len(f"epoch {num_epochs}/{num_epochs}") + 2
    parts = [part for metrics in passes for part in _pass_words(metrics)]
    return Text.assemble((f"{number:<{width}}", "cyan"), *parts)


def _pass_words(metrics: events.EpochMetrics) -> tuple[tuple[str, str], tuple[str, str]]:
    values = " ".join(f"{name} {value(metrics.values[name])}" for name in _order(metrics))
    style = "bold" if metrics.split == "validation" else ""
    return (f"{metrics.split} ", "dim"), (f"{values}   ", style)


def _order(metrics: events.EpochMetrics) -> list[str]:
    """Loss first, accuracy next, then the rest by name."""
    first = ("loss", "accuracy")
    rest = sorted(set(metrics.values) - set(first))
    return [name for name in first if name in metrics.values] + rest


def event_line(event: events.TrainEvent) -> RenderableType | None:
    """Return the line that an event deserves; None for what is shown in another way."""
    kind = event.WhichOneof("event")
    if kind == "warning":
        warning: Any = event.warning  # mypy takes the stub's class for the builtin
        return warning_line(warning.text)
    if kind == "message":
        return Text(event.message.text, style="dim")
    if kind == "data_checked":
        return Group(*data_lines(event.data_checked.report))
    if kind == "phase_started":
        return _phase_view(event.phase_started)
    if kind == "rolled_back":
        return _rolled_back_line(event.rolled_back)
    if kind == "snapshot_failed":
        failed = event.snapshot_failed
        return warning_line(f"no snapshot was saved: {failed.message or failed.reason}")
    if kind == "model_ready":
        return Text(f"model {words.short_digest(event.model_ready.state_digest)} is here", "dim")
    return None


def state_line(change: events.StateChanged) -> Text:
    """Return `paused  for the night`: the state and why."""
    why = change.failure.message or change.reason
    return Text.assemble(state_text(change.to_state), (f"  {why}" if why else "", "dim"))


def interrupted_line(reason: str) -> Text:
    """Return the line of a job that waits to be started again."""
    return Text.assemble(("interrupted", "yellow"), (f"  {reason}" if reason else "", "dim"))


def _rolled_back_line(back: events.RolledBack) -> Text:
    """Return `goes on at step 80  3 steps are done again`."""
    where = f"at step {back.to_step:,}" if back.to_step else "from the start"
    lost = words.plural(back.num_lost_steps, "step")
    again = f"  {lost} {'is' if back.num_lost_steps == 1 else 'are'} done again"
    return Text.assemble(
        ("goes on", "bold blue"), f" {where}", (again if back.num_lost_steps else "", "dim")
    )


def going_on_text(job: jobs.TrainJob) -> Text:
    """Return the state, why, and where the job would go on: `paused  for the night, at step 80`."""
    parts = [job.state_reason]
    if job.state == jobs.JOB_STATE_PAUSED:
        has_snapshot = job.HasField("snapshot")
        parts.append(f"saved at step {job.snapshot.step:,}" if has_snapshot else "")
    told = ", ".join(part for part in parts if part)
    return Text.assemble(state_text(job.state), (f"  {told}" if told else "", "dim"))


def _phase_view(phase: events.PhaseStarted) -> RenderableType:
    """Return nothing new for the first phase, which the plan has shown."""
    if phase.phase < 2:
        return Text(f"phase {phase.phase} begins", style="dim")
    why = f"phase {phase.phase}, {phase.reason}: "
    return Group(Text.assemble((why, "bold"), headline(phase.freeze)), stages(phase.freeze))


def print_outcome(page: Console, job: jobs.TrainJob, exports: Sequence[jobs.Export]) -> None:
    """Print how a finished job ended: the error and the way out, or the files that it left."""
    page.print()
    if job.state == jobs.JOB_STATE_FAILED:
        page.print(Text.assemble(("failed: ", "bold red"), job.failure.message or job.state_reason))
        return
    if job.state != jobs.JOB_STATE_SUCCEEDED:
        page.print(Text.assemble(state_text(job.state), f": {job.state_reason or job.job_id}"))
        return
    page.print(Text.assemble(state_text(job.state), f"  {_results(job)}"))
    for export in exports:
        print_export(page, export)
    page.print(f"next: vertebra jobs show {job.job_id[:8]}")


def print_export(page: Console, export: jobs.Export) -> None:
    """Print the files of an export and how to start from it.

    Its folder is one line however narrow the page is: it can be copied.
    """
    told = [(label, text) for label, text in _export_facts(export) if text]
    width = max(len(label) for label, _ in told)
    for label, folder in told[:1]:
        page.print(Text.assemble((f"{label:<{width}}  ", "dim"), folder), soft_wrap=True)
    page.print(facts(*told[1:], width=width))


def _export_facts(export: jobs.Export) -> list[tuple[str, str]]:
    """Return labels and values, the folder first."""
    files = [
        (FILE_WORDS.get(file.kind, "file"), PurePath(file.path))
        for file in export.files
        if file.kind != jobs.ExportFile.KIND_SAMPLE_PNG
    ]
    checkpoint = export.checkpoint
    use = f"--backbone {export.architecture_id} --weights {checkpoint}"
    return [
        ("exported to", "\n".join({str(path.parent): None for _, path in files})),
        *((word, path.name) for word, path in files),
        ("sample predictions", sample_names(sample_files(export))),
        ("checkpoint", checkpoint),
        ("start from it", use if checkpoint else ""),
        ("backbone digest", words.short_digest(export.backbone_digest)),
    ]


def _results(job: jobs.TrainJob) -> str:
    shown = [name for name in sorted(job.metrics) if name.startswith("validation/")]
    values = [f"{name.partition('/')[2]} {value(job.metrics[name])}" for name in shown]
    took = job.end_time.seconds - job.start_time.seconds
    return "  ".join([*values, f"in {words.duration(took)}" if took > 0 else ""])


def how_to_go_on(job_id: str) -> str:
    """Return what a person can do with a job that goes on without them."""
    verbs = ("watch", "pause", "cancel")
    return "\n".join(f"{f'{verb} it:':<11} vertebra jobs {verb} {job_id}" for verb in verbs)
