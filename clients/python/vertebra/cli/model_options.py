"""How a model is asked for on the command line: options, JSON or both make one ModelSpec.

Options win over the JSON. What may be combined is the service's to say; here is only which task an
option belongs to.
"""

import json
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
from google.protobuf import struct_pb2

from vertebra.cli import exit_codes
from vertebra.cli.exit_codes import CliFailed
from vertebra.cli.model_flags import FLAGS, TASKS_OF_HEADS, ModelFlag
from vertebra.client_errors import RpcFailed
from vertebra.model.v1 import model_spec_pb2
from vertebra.wire_json import FieldInvalid, to_message

Function = TypeVar("Function", bound=Callable[..., Any])
Spec = model_spec_pb2.ModelSpec

TASKS = tuple(field.name for field in Spec.DESCRIPTOR.oneofs_by_name["task"].fields)
"""What a model can be built for, in the contract's order."""

OPTION_OF_FIELD = {
    **{flag.field: flag.name.partition("/")[0] for flag in FLAGS},
    "backbone": "BACKBONE",
    "image_height_px": "--size",
    "image_width_px": "--size",
    "remove_modules": "--remove",
    "arguments": "--arg",
    "height_px": "--size",
    "width_px": "--size",
    "num_channels": "--channels",
    "batch_size": "--batch",
    "freeze_mode": "--freeze",
    "activation_dtype": "--activations",
}
"""The last word of a field's path -> the option that sets it."""


def model_options(*without: str) -> Callable[[Function], Function]:
    """Return what adds BACKBONE and every option that says which model is wanted.

    Args:
        without: keys of options that the command uses for something else, such as `size`.
    """
    file = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
    spec = click.option(
        "--spec",
        "spec_file",
        type=file,
        metavar="FILE|-",
        help="A ModelSpec as JSON; the other options win over it.",
    )
    options = [
        click.argument("backbone", required=False),
        task_option,
        *(flag.option() for flag in FLAGS if flag.key not in without),
        *structure_options(),
        *([] if "size" in without else [size_option]),
        spec,
    ]

    def add(function: Function) -> Function:
        for option in reversed(options):
            function = option(function)
        return function

    return add


def task_option(function: Function) -> Function:
    """Add `--task`."""
    return click.option(
        "--task",
        "for_task",
        type=click.Choice(TASKS),
        metavar="TASK",
        help=f"What the new head predicts: {', '.join(TASKS)}; without, the published head.",
    )(function)


def size_option(function: Function) -> Function:
    """Add `--size`, which `--image-size` is too."""
    return click.option(
        "--size", "--image-size", "size", metavar="N|HxW", help="In pixels; else the weights' own."
    )(function)


def structure_options() -> tuple[Callable[[Function], Function], ...]:
    """Return `--remove` and `--arg`, which may be given several times."""
    return (
        click.option("--remove", metavar="PATH", multiple=True, help="Make this module Identity."),
        click.option(
            "--arg",
            metavar="NAME=VALUE",
            multiple=True,
            help="An argument of the architecture, such as num_hidden_layers=2.",
        ),
    )


def model_spec(flags: Mapping[str, Any]) -> Spec:
    """Return the spec of `--spec`, changed by the options that were given.

    Raises:
        CliFailed: the JSON is no ModelSpec.
        click.UsageError: no backbone, or an option that means nothing for the task.
    """
    spec = Spec() if flags["spec_file"] is None else read_spec(flags["spec_file"])
    if flags["backbone"]:
        spec.backbone = flags["backbone"]
    if not spec.backbone:
        raise click.UsageError("give BACKBONE, such as resnet50, or --spec")
    set_model(spec, flags)
    return spec


def read_spec(file: Path) -> Spec:
    """Return the ModelSpec in a JSON file; `-` is standard input.

    Raises:
        CliFailed: not JSON, or not a ModelSpec; names the nearest field.
    """
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text()
        content = json.loads(text)
        if not isinstance(content, dict):
            raise FieldInvalid('expected an object such as {"backbone": "resnet50"}')
        return to_message(content, Spec)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CliFailed(f"--spec {file} is not JSON: {error}", exit_codes.USAGE) from error
    except FieldInvalid as error:
        raise CliFailed(f"--spec {file}: {error}", exit_codes.USAGE) from error


def set_model(spec: Spec, flags: Mapping[str, Any]) -> None:
    """Change the fields of `spec` whose options were given; a command may have fewer options.

    Raises:
        click.UsageError: an option that means nothing for the task, or malformed.
    """
    given = [flag for flag in FLAGS if flags.get(flag.key) is not None]
    for flag in given:
        if not flag.of_task:
            setattr(spec, flag.field, flags[flag.key])
    if flags.get("size"):
        spec.image_height_px, spec.image_width_px = image_size(flags["size"])
    spec.remove_modules.extend(flags.get("remove", ()))
    for name, value in map(argument, flags.get("arg", ())):
        spec.arguments[name] = value
    _set_task(spec, [flag for flag in given if flag.of_task], flags)


def _set_task(spec: Spec, given: list[ModelFlag], flags: Mapping[str, Any]) -> None:
    kind = flags.get("for_task") or (spec.WhichOneof("task") if not given else None)
    kind = kind or _task_of(given, flags, spec.WhichOneof("task"))
    if kind is None:
        return
    message = getattr(spec, kind)
    message.SetInParent()
    for flag in given:
        if flag.field not in _fields_of(kind):
            raise click.UsageError(_no_meaning(flag, kind))
        value = flags[flag.key]
        if isinstance(value, list):
            message.ClearField(flag.field)
            getattr(message, flag.field).extend(value)
        else:
            setattr(message, flag.field, value)


def _task_of(given: list[ModelFlag], flags: Mapping[str, Any], of_json: str | None) -> str | None:
    """Return the task that the options are for: the JSON's, the head's, or the first that fits."""
    if not given or of_json:
        return of_json
    if flags.get("head") in TASKS_OF_HEADS:
        return TASKS_OF_HEADS[flags["head"]]
    for kind in TASKS:
        if all(flag.field in _fields_of(kind) for flag in given):
            return kind
    names = ", ".join(flag.name for flag in given)
    raise click.UsageError(f"{names}: no task takes all of these; --task says which is wanted")


def _no_meaning(flag: ModelFlag, kind: str) -> str:
    fitting = [name for name in TASKS if flag.field in _fields_of(name)]
    return f"{flag.name} means nothing for {kind}; it is for {', '.join(fitting)}"


def _fields_of(kind: str) -> Collection[str]:
    message = Spec.DESCRIPTOR.fields_by_name[kind].message_type
    assert message is not None
    return message.fields_by_name


def image_size(text: str) -> tuple[int, int]:
    """Return height and width of `224` or `224x320`.

    Raises:
        click.BadParameter: something else.
    """
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.isdecimal() and 0 < int(side) < 2**31 for side in sides):
        raise click.BadParameter(f"{text!r}; such as 224 or 224x320", param_hint="--size")
    return int(sides[0]), int(sides[-1])


def argument(text: str) -> tuple[str, Any]:
    """Return the name and value of `num_hidden_layers=2`; the value is JSON, or a word.

    Raises:
        click.BadParameter: no name, or no `=`.
    """
    name, equals, value = text.partition("=")
    if not name or not equals:
        why = f"{text!r} is not NAME=VALUE, such as num_hidden_layers=2"
        raise click.BadParameter(why, param_hint="--arg")
    try:
        plain = json.loads(value)
    except json.JSONDecodeError:
        return name, value
    if isinstance(plain, (dict, list)):
        wrapped = struct_pb2.Struct()
        wrapped.update({name: plain})
        return name, wrapped[name]
    return name, plain


@contextmanager
def named_options(options: Mapping[str, str] = OPTION_OF_FIELD) -> Iterator[None]:
    """Say which option a refused field came from.

    Raises:
        CliFailed: instead of an RpcFailed whose message is a list of refused fields.
    """
    try:
        yield
    except RpcFailed as error:
        if not error.violations or error.message != "; ".join(_lines(error, {})):
            raise
        problems = _lines(error, options)
        message = problems[0]
        if len(problems) > 1:
            message = "\n  ".join([f"{len(problems)} problems", *problems])
        raise CliFailed(message, exit_codes.code_of(error)) from error


def _lines(error: RpcFailed, options: Mapping[str, str]) -> list[str]:
    return [f"{option_of(one.field, options)}: {one.description}" for one in error.violations]


def option_of(field: str, options: Mapping[str, str] = OPTION_OF_FIELD) -> str:
    """Return `--hidden` for `spec.classification.hidden_units[0]`; else the field itself.

    Args:
        options: by the whole path without `spec.`, or by its last word.
    """
    path = re.sub(r"\[[^]]*\]", "", field).removeprefix("spec.")
    return options.get(path) or options.get(path.rpartition(".")[2], field)
