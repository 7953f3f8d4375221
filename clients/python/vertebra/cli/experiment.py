"""The experiment: a JSON file, flags, or both make one TrainJobSpec. Flags win over the file."""

import json
import os
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from vertebra.cli import exit_codes
from vertebra.cli.exit_codes import CliFailed
from vertebra.cli.model_flags import TRAINED_FLAGS
from vertebra.cli.model_options import OPTION_OF_FIELD as MODEL_OPTION_OF_FIELD
from vertebra.cli.model_options import named_options, set_model, size_option, structure_options
from vertebra.cli.written_values import MAX_AMOUNT, MAX_COUNT
from vertebra.trainer.v1 import train_job_pb2 as jobs
from vertebra.wire_json import FieldInvalid, to_message

Function = TypeVar("Function", bound=Callable[..., Any])

COUNT = click.IntRange(min=1, max=MAX_COUNT)
NATURAL = click.IntRange(min=0, max=MAX_AMOUNT)
POSITIVE = click.FloatRange(min=0, min_open=True)
AT_LEAST_ZERO = click.FloatRange(min=0)
RATIO = click.FloatRange(min=0, max=1, min_open=True, max_open=True)
FOLDER = click.Path(path_type=Path)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecFlag:
    """A flag that sets one field of the spec, named by its path."""

    name: str
    path: str
    help: str
    kind: "click.ParamType[Any] | None" = None
    prefix: str = ""
    """For an enum field: what the contract puts before the flag's words."""

    @property
    def key(self) -> str:
        """The name under which click gives the value."""
        return self.name.lstrip("-").partition("/")[0].replace("-", "_")


def _choice(enum: Any, prefix: str) -> "click.Choice[str]":
    names = [name.removeprefix(prefix).lower() for name, _ in enum.items()]
    return click.Choice([name for name in names if name != "unspecified"])


ALGORITHM = _choice(jobs.OptimizerSpec.Algorithm, "ALGORITHM_")
AUGMENTATION = _choice(jobs.Augmentation, "AUGMENTATION_")
NORM = _choice(jobs.NormPolicy, "NORM_POLICY_")

FLAGS = (
    SpecFlag(name="--backbone", path="model.backbone", help="An architecture such as resnet18."),
    SpecFlag(
        name="--weights",
        path="model.weights",
        help="What to start from: a weight, or checkpoints/NAME; else the default weights.",
    ),
    SpecFlag(
        name="--pretrained/--no-pretrained",
        path="model.pretrained",
        help="Start from weights (the default), or from random numbers.",
    ),
    SpecFlag(
        name="--validation-data",
        path="dataset.image_folder.validation_path",
        kind=FOLDER,
        help="A folder like --data, for validation; else a part of --data is kept.",
    ),
    SpecFlag(
        name="--validation-ratio",
        path="dataset.validation_ratio",
        kind=RATIO,
        help="The part that is kept; 0.2.",
    ),
    SpecFlag(
        name="--norm",
        path="freeze.norm",
        kind=NORM,
        prefix="NORM_POLICY_",
        help="What happens to batch-norm statistics.",
    ),
    SpecFlag(name="--epochs", path="num_epochs", kind=COUNT, help="Passes over the images."),
    SpecFlag(
        name="--optimizer",
        path="optimizer.algorithm",
        kind=ALGORITHM,
        prefix="ALGORITHM_",
        help="The update rule; adamw.",
    ),
    SpecFlag(name="--lr", path="optimizer.lr", kind=POSITIVE, help="Learning rate; 1e-3."),
    SpecFlag(
        name="--weight-decay",
        path="optimizer.weight_decay",
        kind=AT_LEAST_ZERO,
        help="Never on biases and norms; 0.01 for adamw, else 0.",
    ),
    SpecFlag(
        name="--momentum", path="optimizer.momentum", kind=AT_LEAST_ZERO, help="For sgd; 0.9."
    ),
    SpecFlag(name="--batch-size", path="batch_size", kind=COUNT, help="Images a step; 32."),
    SpecFlag(
        name="--augment",
        path="augmentation",
        kind=AUGMENTATION,
        prefix="AUGMENTATION_",
        help="How training images vary.",
    ),
    SpecFlag(name="--seed", path="seed", kind=NATURAL, help="Order of images, augmentation; 0."),
    SpecFlag(
        name="--register-as",
        path="export.register_as",
        help="Register the backbone as checkpoints/NAME when the job succeeds.",
    ),
    SpecFlag(name="--note", path="export.note", help="Kept with the checkpoint."),
    SpecFlag(name="--name", path="display_name", help="A name for people."),
    SpecFlag(
        name="--allow-partial/--no-allow-partial",
        path="model.allow_partial",
        help="Accept weights that miss a part of the backbone.",
    ),
    SpecFlag(
        name="--allow-frozen-random/--no-allow-frozen-random",
        path="model.allow_frozen_random",
        help="Accept a frozen backbone of random numbers.",
    ),
)
"""Flags that set one field as it is; the others are in `spec_options`."""

OPTION_OF_FIELD = {
    **MODEL_OPTION_OF_FIELD,
    **{flag.path.rpartition(".")[2]: flag.name.partition("/")[0] for flag in FLAGS},
    "path": "--data",
    "num_blocks": "--freeze",
}
"""The last word of a field's path -> the flag that sets it."""

_NOT_THE_MODELS = dict.fromkeys(flag.key for flag in FLAGS)
"""Flags with the name of a model's option that mean the job: `--seed` is its order of images."""


def spec_options(function: Function) -> Function:
    """Add FILE and all flags that describe an experiment."""
    for flag in reversed(FLAGS):
        function = click.option(flag.name, type=flag.kind, default=None, help=flag.help)(function)
    extra = (
        click.option("--data", type=FOLDER, help="A folder with a folder of images per class."),
        click.option("--digits", is_flag=True, help="The bundled hand-written digits instead."),
        click.option(
            "--freeze",
            metavar="MODE",
            help="full (the default), frozen_backbone, last_blocks=N or scratch.",
        ),
        size_option,
        *(flag.option() for flag in TRAINED_FLAGS),
        *structure_options(),
    )
    for option in reversed(extra):
        function = option(function)
    file = click.Path(exists=True, dir_okay=False, path_type=Path)
    return click.argument("file", required=False, type=file)(function)


def experiment(file: Path | None, flags: Mapping[str, Any]) -> jobs.TrainJobSpec:
    """Return the spec of a file, changed by the flags that were given.

    Raises:
        CliFailed: the file is not an experiment, or nothing says what to train.
    """
    spec = read_experiment(file) if file is not None else jobs.TrainJobSpec()
    for flag in FLAGS:
        if flags[flag.key] is not None:
            _set(spec, flag, flags[flag.key])
    _set_data(spec, flags)
    if flags["freeze"] is not None:
        _set_freeze(spec, flags["freeze"])
    set_model(spec.model, {**flags, **_NOT_THE_MODELS})
    _require_enough(spec)
    return spec


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
    if spec.dataset.HasField("image_folder"):
        folder = spec.dataset.image_folder
        for field in ("path", "validation_path"):
            if path := getattr(folder, field):
                setattr(folder, field, _absolute(Path(path), file.absolute().parent))
    return spec


def _set(spec: jobs.TrainJobSpec, flag: SpecFlag, value: Any) -> None:
    *parents, field = flag.path.split(".")
    message: Any = spec
    for parent in parents:
        message = getattr(message, parent)
    if isinstance(value, Path):
        value = _absolute(value, Path.cwd())
    if flag.prefix:
        enum = message.DESCRIPTOR.fields_by_name[field].enum_type
        value = enum.values_by_name[f"{flag.prefix}{value.upper()}"].number
    setattr(message, field, value)


def _set_data(spec: jobs.TrainJobSpec, flags: Mapping[str, Any]) -> None:
    if flags["data"] is not None and flags["digits"]:
        raise click.UsageError("--data and --digits are two data sets; give one")
    if flags["data"] is not None:
        spec.dataset.image_folder.path = _absolute(flags["data"], Path.cwd())
    if flags["digits"]:
        spec.dataset.bundled_digits.SetInParent()


def _set_freeze(spec: jobs.TrainJobSpec, text: str) -> None:
    """Set the mode, in this spelling or the service's `last_blocks(2)`.

    It wins over the file's `freeze_backbone`, which is a shorthand for it.
    """
    kind, equals, number = re.sub(r"^(\w+)\((\d+)\)$", r"\1=\2", text).partition("=")
    modes = [field.name for field in jobs.FreezeSpec.DESCRIPTOR.oneofs_by_name["mode"].fields]
    right = "expected full, frozen_backbone, last_blocks=N or scratch"
    if kind not in modes or bool(equals) != (kind == "last_blocks"):
        raise click.BadParameter(f"{text!r}; {right}", param_hint="--freeze")
    spec.model.ClearField("freeze_backbone")
    getattr(spec.freeze, kind).SetInParent()
    if kind == "last_blocks":
        if not number.isdecimal() or int(number) < 1:
            raise click.BadParameter(f"{text!r}; N is at least 1", param_hint="--freeze")
        spec.freeze.last_blocks.num_blocks = int(number)


def _require_enough(spec: jobs.TrainJobSpec) -> None:
    missing = [
        flag
        for flag, is_missing in (
            ("--backbone", not spec.model.backbone),
            ("--data or --digits", spec.dataset.WhichOneof("source") is None),
            ("--epochs", spec.num_epochs == 0),
        )
        if is_missing
    ]
    if missing:
        raise click.UsageError(f"give an experiment file, or {', '.join(missing)}")


def _absolute(path: Path, folder: Path) -> str:
    """Return the path as the trainer's host must see it; links stay as they are."""
    return os.path.normpath(folder / path.expanduser())
