"""A plan in words: what trains and what stays, from when on, on which images, how."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from vertebra.cli import recipe_words, words
from vertebra.cli.screen import facts, table
from vertebra.trainer.v1 import learning_pb2 as learning
from vertebra.trainer.v1 import train_job_pb2 as jobs
from vertebra.trainer.v1 import train_run_pb2 as runs

_OWN_LOSSES = {
    "simclr": "NT-Xent",
    **dict.fromkeys(("detection", "instance_segmentation", "keypoints"), "the detector's own"),
}
"""Of tasks that take no other."""


def plan_view(plan: jobs.TrainPlan, spec: jobs.TrainJobSpec | None = None) -> RenderableType:
    """Return what trains and what stays, first in one line, then stage by stage.

    Args:
        spec: what was asked for, with all defaults; None leaves out what the plan does not say.
    """
    parts: list[RenderableType] = [headline(plan.freeze), Text(), stages(plan.freeze), Text()]
    if len(plan.phases) > 1:
        parts += [_phases(plan.phases), Text()]
    return Group(
        *parts,
        _facts(plan, spec or jobs.TrainJobSpec()),
        *(warning_line(text) for text in plan.warnings),
    )


def headline(freeze: jobs.FreezePlan) -> Text:
    """Return `5.1 k parameters train, 11.2 M stay frozen (0.05 % train)`."""
    total = freeze.num_trainable_parameters + freeze.num_frozen_parameters
    return Text.assemble(
        (words.count(freeze.num_trainable_parameters), "bold green"),
        " parameters train, ",
        (words.count(freeze.num_frozen_parameters), "bold blue"),
        f" stay frozen ({words.percent(freeze.num_trainable_parameters, total)} train)",
    )


def stages(freeze: jobs.FreezePlan) -> Table:
    """Return a line a stage: how much of it trains."""
    lines = table("STAGE", "TRAIN", "FROZEN", "", right=("TRAIN", "FROZEN"))
    for row in freeze.rows:
        lines.add_row(
            row.name,
            _count(row.num_trainable_parameters),
            _count(row.num_frozen_parameters),
            _share_bar(row),
        )
    return lines


def _count(number: int) -> str:
    return words.count(number) if number else "-"


def _share_bar(row: jobs.PlanRow, width: int = 10) -> Text:
    """Return a bar: green trains, blue is frozen; letters where there are no colours."""
    total = row.num_trainable_parameters + row.num_frozen_parameters
    if not total:
        return Text()
    num_green = round(width * row.num_trainable_parameters / total)
    return Text.assemble(("+" * num_green, "green"), ("." * (width - num_green), "blue"))


def _phases(phases: Sequence[jobs.PhasePlan]) -> Table:
    lines = table("PHASE", "STARTS", "TRAIN", "FROZEN", "LEARNING RATE", right=("TRAIN", "FROZEN"))
    for number, phase in enumerate(phases, start=1):
        lines.add_row(
            str(number),
            _start(phase),
            _count(phase.freeze.num_trainable_parameters),
            _count(phase.freeze.num_frozen_parameters),
            _rates(phase.optimizer_groups),
        )
    return lines


def _start(phase: jobs.PhasePlan) -> str:
    if phase.after_epochs:
        return f"after {words.plural(phase.after_epochs, 'epoch')}"
    if phase.after_steps:
        return f"after {words.plural(phase.after_steps, 'step')}"
    if phase.after_plateau_epochs:
        return f"after {words.plural(phase.after_plateau_epochs, 'epoch')} without improvement"
    return "at once"


def _rates(groups: Sequence[jobs.OptimizerGroup]) -> str:
    """Return `0.001`, or `1e-05 to 0.001` where groups differ."""
    rates = sorted({group.lr for group in groups})
    if not rates:
        return ""
    return f"{rates[0]:.3g}" if len(rates) == 1 else f"{rates[0]:.3g} to {rates[-1]:.3g}"


def _facts(plan: jobs.TrainPlan, spec: jobs.TrainJobSpec) -> Table:
    images = f"{plan.num_train_images:,} to train, {plan.num_validation_images:,} to validate"
    norm = words.word(jobs.NormPolicy.Name(plan.freeze.norm), "NORM_POLICY_")
    return facts(
        ("task", plan.task.replace("_", " ")),
        ("freeze mode", plan.freeze.mode),
        ("batch norm", "" if norm == "unspecified" else norm),
        (
            "thrown away",
            _auxiliary(plan.num_auxiliary_parameters),
        ),
        ("images", images),
        ("classes", _classes(plan.output.class_names)),
        ("targets", _classes(plan.output.target_names)),
        ("input", _input(plan)),
        ("augmentation", recipe_words.augmentation(spec)),
        ("loss", _loss(plan)),
        ("judged by", _judged_by(plan)),
        ("stops early", recipe_words.early_stopping(spec, plan.main_metric)),
        ("steps", _steps(plan, spec.batch_size)),
        ("optimizer", _optimizer(plan)),
        ("schedule", recipe_words.schedule(spec)),
        ("precision", recipe_words.precision(spec)),
        ("computed once", _cache(plan.feature_cache)),
        ("devices", f"{plan.num_devices}, each on its part" if plan.num_devices > 1 else ""),
        ("saved", _snapshots(plan.snapshots)),
    )


def _classes(names: Sequence[str]) -> str:
    shown = ", ".join(names[:8])
    return f"{len(names)}: {shown}{', ...' if len(names) > 8 else ''}" if names else ""


def _auxiliary(number: int) -> str:
    return f"{words.count(number)} parameters of a projection" if number else ""


def _input(plan: jobs.TrainPlan) -> str:
    contract = plan.input
    if contract.is_image_list:
        return "images of any size, resized inside the model"
    return f"{contract.height_px} x {contract.width_px} px" if contract.height_px else ""


def _loss(plan: jobs.TrainPlan) -> str:
    loss = plan.loss
    if not loss.kind:
        return _OWN_LOSSES.get(plan.task, "")
    rule = words.word(learning.ClassWeights.Rule.Name(loss.class_weights.rule), "RULE_")
    weighted = rule not in ("unspecified", "none")
    parts = [
        words.word(learning.LossSpec.Kind.Name(loss.kind), "KIND_"),
        f"label smoothing {loss.label_smoothing:g}" if loss.label_smoothing else "",
        f"class weights {rule}: {_weights(loss.class_weights.weights)}" if weighted else "",
    ]
    return ", ".join(part for part in parts if part)


def _weights(weights: Sequence[float]) -> str:
    return words.listed([f"{weight:.3g}" for weight in weights])


def _judged_by(plan: jobs.TrainPlan) -> str:
    if not plan.main_metric:
        return ""
    every = plan.validation_every_epochs
    often = f", every {every} epochs" if every > 1 else ""
    return f"{plan.main_metric}, {'more' if plan.main_metric_grows else 'less'} is better{often}"


def _steps(plan: jobs.TrainPlan, batch_size: int) -> str:
    in_parts = batch_size > plan.micro_batch_size > 0
    parts = [
        f"{plan.num_steps:,}, {plan.num_steps_per_epoch:,} an epoch",
        f"{plan.warmup_steps:,} of warm-up" if plan.warmup_steps else "",
        f"{batch_size} images each" if in_parts else "",
        f"{plan.micro_batch_size} images at a time" if plan.micro_batch_size else "",
    ]
    return ", ".join(part for part in parts if part)


def _optimizer(plan: jobs.TrainPlan) -> str:
    optimizer = plan.optimizer
    name = words.word(jobs.OptimizerSpec.Algorithm.Name(optimizer.algorithm), "ALGORITHM_")
    decay = f", weight decay {optimizer.weight_decay:g}" if optimizer.weight_decay else ""
    momentum = f", momentum {optimizer.momentum:g}" if optimizer.momentum else ""
    rate = _rates(plan.optimizer_groups) or f"{optimizer.lr:g}"
    return f"{name}, learning rate {rate}{momentum}{decay}"


def _cache(cache: jobs.FeatureCachePlan) -> str:
    if not cache.is_used:
        return ""
    views = f", {cache.num_views} views of every image" if cache.num_views > 1 else ""
    return f"what goes into {words.listed(cache.boundary)}{views}"


def _snapshots(snapshots: runs.SnapshotPlan) -> str:
    """Return `every 2:00, 134.5 MB in about 0.3 s; a crash loses 2:01 of training at most`."""
    interval_s, save_s, loss_s = (
        duration.ToTimedelta().total_seconds()
        for duration in (snapshots.interval, snapshots.save_time, snapshots.possible_loss)
    )
    if not interval_s:
        return ""
    size = f"{words.size(snapshots.size_bytes)} in about {save_s:.1f} s"
    loss = f"; a crash loses {words.duration(loss_s)} of training at most" if loss_s else ""
    return f"every {words.duration(interval_s)}, {size}{loss}"


def warning_line(text: str) -> Text:
    """Return a warning."""
    return Text.assemble(("note: ", "bold yellow"), text)
