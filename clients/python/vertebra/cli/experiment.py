"""The experiment: a JSON file, flags, or both make one TrainJobSpec. Flags win over the file."""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

import click

from vertebra.cli import augment_flag, data_flags, exit_codes, freeze_flag, run_flags, spec_flags
from vertebra.cli.class_weights_flag import set_class_weights
from vertebra.cli.exit_codes import CliFailed
from vertebra.cli.model_flags import STRUCTURE_FLAGS, TASK_FLAGS, TASKS_OF_HEADS
from vertebra.cli.model_options import OPTION_OF_FIELD as MODEL_OPTION_OF_FIELD
from vertebra.cli.model_options import (
    TASKS,
    named_options,
    set_model,
    size_option,
    structure_options,
)
from vertebra.cli.options import catalog_option
from vertebra.cli.sections import Option, section
from vertebra.cli.spec_flag import set_field
from vertebra.trainer.v1 import train_job_pb2 as jobs
from vertebra.wire_json import FieldInvalid, to_message

Function = TypeVar("Function", bound=Callable[..., Any])

_OTHER_FIELDS = {
    "freeze": "--freeze",
    **{f"freeze.{mode.name}": "--freeze" for mode in jobs.FreezeSpec.DESCRIPTOR.fields},
    **dict.fromkeys(("num_blocks", "steps", "trainable", "frozen", "lr_scale"), "--freeze"),
    **dict.fromkeys(("after_epochs", "after_steps", "after_plateau_epochs"), "--freeze"),
    **dict.fromkeys(
        (f"loss.class_weights{part}" for part in ("", ".rule", ".weights")), "--class-weights"
    ),
    "augmentation_steps": "--augment-with",
    **{
        f"augmentation_steps.{step}{part}": "--augment-with"
        for step, settings in augment_flag.STEPS.items()
        for part in ("", *(f".{setting}" for setting in settings))
    },
    "simclr": "--simclr",
    "labels": "--label",
}
"""What no single flag of the tables sets."""

OPTION_OF_FIELD = {
    **MODEL_OPTION_OF_FIELD,
    **{flag.path.rpartition(".")[2]: flag.option_name for flag in spec_flags.FLAGS},
    **_OTHER_FIELDS,
    **{flag.path: flag.option_name for flag in spec_flags.FLAGS},
    **data_flags.OPTION_OF_FIELD,
}
"""A field's path, or the last word of it -> the flag that sets it."""

_NOT_THE_MODELS = dict.fromkeys(flag.key for flag in spec_flags.FLAGS)
"""Flags with the name of a model's option that mean the job: `--seed` is its order of images."""


def _pretrained_model(function: Function) -> Function:
    return click.option(
        "--pretrained-model",
        metavar="NAME",
        help="A registered checkpoint, a weight or an architecture: backbone and weights in one.",
    )(function)


def _task_option(function: Function) -> Function:
    return click.option(
        "--task",
        "for_task",
        type=click.Choice(TASKS),
        metavar="TASK",
        help=f"What is learned: {', '.join(TASKS)}; else what the images are usually for.",
    )(function)


def _freeze(function: Function) -> Function:
    return click.option("--freeze", metavar="MODE", help=freeze_flag.HELP)(function)


def _class_weights(function: Function) -> Function:
    return click.option(
        "--class-weights",
        metavar="RULE|W,W",
        help="none, balanced, effective, or a weight for every class.",
    )(function)


def _augment_with(function: Function) -> Function:
    return click.option("--augment-with", metavar="STEP", multiple=True, help=augment_flag.HELP)(
        function
    )


def _simclr(function: Function) -> Function:
    return click.option(
        "--simclr", is_flag=True, help="Learn from views of images, without labels."
    )(function)


def _options(flags: tuple[Any, ...]) -> tuple[Option, ...]:
    return tuple(flag.option() for flag in flags)


_SECTIONS: tuple[tuple[str, tuple[Option, ...]], ...] = (
    (
        "Start from",
        (_pretrained_model, *_options(spec_flags.MODEL_FLAGS), catalog_option, size_option),
    ),
    ("Images", (*data_flags.data_options(), *_options(spec_flags.SPLIT_FLAGS))),
    ("What trains", (_freeze, *_options(spec_flags.FREEZE_FLAGS))),
    ("How long", _options(spec_flags.DURATION_FLAGS)),
    ("Task and head", (_task_option, *_options(TASK_FLAGS))),
    ("Structure", (*_options(STRUCTURE_FLAGS), *structure_options())),
    ("Loss", (*_options(spec_flags.LOSS_FLAGS), _class_weights)),
    ("Optimizer", _options(spec_flags.OPTIMIZER_FLAGS)),
    ("Preparing images", (*_options(spec_flags.IMAGE_FLAGS), _augment_with)),
    ("Without labels", (_simclr, *_options(spec_flags.SIMCLR_FLAGS))),
    ("Computing", _options(spec_flags.COMPUTING_FLAGS)),
    ("Running", (*_options(run_flags.RUN_FLAGS), run_flags.label_option)),
    ("Result", _options(spec_flags.RESULT_FLAGS)),
)
"""The help's headings, in a newcomer's order, and what is under them."""


def spec_options(function: Function) -> Function:
    """Add FILE and all flags that describe an experiment, each under its heading."""
    for title, options in reversed(_SECTIONS):
        function = section(title, options)(function)
    file = click.Path(exists=True, dir_okay=False, path_type=Path)
    return click.argument("file", required=False, type=file)(function)


def experiment(file: Path | None, flags: Mapping[str, Any]) -> jobs.TrainJobSpec:
    """Return the spec of a file, changed by the flags that were given.

    Raises:
        CliFailed: the file is not an experiment, or nothing says what to train.
    """
    spec = read_experiment(file) if file is not None else jobs.TrainJobSpec()
    _replace_duration(spec, flags)
    for flag in spec_flags.FLAGS:
        if flags[flag.key] is not None:
            set_field(spec, flag, flags[flag.key])
    data_flags.set_data(spec, flags)
    if flags["freeze"] is not None:
        freeze_flag.set_freeze(spec, flags["freeze"])
    if flags["class_weights"] is not None:
        set_class_weights(spec.loss, flags["class_weights"])
    if flags["augment_with"]:
        augment_flag.set_steps(spec, flags["augment_with"])
    if flags["simclr"] or spec.dataset.WhichOneof("source") == "unlabelled_images":
        spec.simclr.SetInParent()
    run_flags.set_labels(spec, flags["labels"])
    set_model(spec.model, {**flags, **_NOT_THE_MODELS, "for_task": _task(spec, flags)})
    _require_enough(spec)
    return spec


def _replace_duration(spec: jobs.TrainJobSpec, flags: Mapping[str, Any]) -> None:
    """Forget the file's way of saying how long, where a flag says it in the other way."""
    if flags["steps"] is not None and flags["epochs"] is None:
        spec.ClearField("num_epochs")
    if flags["epochs"] is not None and flags["steps"] is None:
        spec.ClearField("num_steps")


def _task(spec: jobs.TrainJobSpec, flags: Mapping[str, Any]) -> str | None:
    """Return the task that is asked for, or that the images are usually for; None says nothing.

    Raises:
        click.UsageError: objects can be learned in several ways.
    """
    is_said = flags["for_task"] or spec.model.WhichOneof("task") or spec.HasField("simclr")
    if is_said or flags["head"] in TASKS_OF_HEADS:
        task: str | None = flags["for_task"]
        return task
    source = spec.dataset.WhichOneof("source")
    if source == "coco" and not flags["keypoints"] and not flags["num_keypoints"]:
        ways = "detection, instance_segmentation, keypoints or segmentation"
        raise click.UsageError(f"--coco: say with --task what is learned: {ways}")
    return (data_flags.SOURCES[source].task or None) if source else None


def named_flags(file: Path | None) -> AbstractContextManager[None]:
    """Return what says which flag a refused field came from; fields of a file are named as there.

    Raises:
        CliFailed: inside, as `named_options`.
    """
    return named_options(OPTION_OF_FIELD) if file is None else nullcontext()


def read_experiment(file: Path) -> jobs.TrainJobSpec:
    """Return the spec in a JSON file; its relative paths are taken from the file's folder.

    Raises:
        CliFailed: not JSON, or not a TrainJobSpec; names the nearest field.
    """
    try:
        content = json.loads(file.read_text())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CliFailed(f"{file} is not JSON: {error}", exit_codes.USAGE) from error
    if not isinstance(content, dict):
        raise CliFailed(f"{file}: expected an object such as {{...}}", exit_codes.USAGE)
    try:
        spec = to_message(content, jobs.TrainJobSpec)
    except FieldInvalid as error:
        raise CliFailed(f"{file}: {error}", exit_codes.USAGE) from error
    data_flags.make_absolute(spec.dataset, file.absolute().parent)
    return spec


def _require_enough(spec: jobs.TrainJobSpec) -> None:
    missing = [
        flag
        for flag, is_missing in (
            ("--backbone", not spec.model.backbone),
            ("--data or another source of images", spec.dataset.WhichOneof("source") is None),
            ("--epochs or --steps", spec.num_epochs == 0 and spec.num_steps == 0),
        )
        if is_missing
    ]
    if missing:
        raise click.UsageError(f"give an experiment file, or {', '.join(missing)}")
