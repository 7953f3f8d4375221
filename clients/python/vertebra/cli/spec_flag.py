"""A flag that sets one field of a TrainJobSpec: its option, and what it does."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from vertebra.cli.written_values import parsed, seconds
from vertebra.trainer.v1 import train_job_pb2 as jobs

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecFlag:
    """A flag that sets one field of the spec, named by its path."""

    name: str
    path: str
    help: str
    kind: "click.ParamType[Any] | None" = None
    parse: Callable[[str], Any] | None = None
    """Instead of a kind of click's."""
    metavar: str | None = None
    prefix: str = ""
    """For an enum field: what the contract puts before the flag's words."""

    @property
    def key(self) -> str:
        """The name under which click gives the value."""
        return self.name.lstrip("-").partition("/")[0].replace("-", "_")

    @property
    def option_name(self) -> str:
        """The flag as it is written: `--pretrained`."""
        return self.name.partition("/")[0]

    def option(self) -> Callable[[Function], Function]:
        """Return the click option; None means that it was not given."""
        return click.option(
            self.name,
            self.key,
            type=self.kind,
            default=None,
            callback=parsed(self.parse) if self.parse else None,
            metavar=self.metavar,
            help=self.help,
        )


def choice(enum: Any, prefix: str) -> "click.Choice[str]":
    """Return the words of an enum as people write them."""
    names = [name.removeprefix(prefix).lower() for name, _ in enum.items()]
    return click.Choice([name for name in names if name != "unspecified"])


def enum_flag(name: str, path: str, enum: Any, prefix: str, text: str) -> SpecFlag:
    """Return a flag of an enum's words."""
    return SpecFlag(name=name, path=path, kind=choice(enum, prefix), prefix=prefix, help=text)


def number_flag(name: str, path: str, kind: Any, text: str) -> SpecFlag:
    """Return a flag of a number in the range `kind`."""
    return SpecFlag(name=name, path=path, kind=kind, metavar="N", help=text)


def text_flag(name: str, path: str, text: str) -> SpecFlag:
    """Return a flag of words; of yes and no where the name has a `/`."""
    return SpecFlag(name=name, path=path, help=text)


def set_field(spec: jobs.TrainJobSpec, flag: SpecFlag, value: Any) -> None:
    """Set the flag's field; the messages on the way to it come into being."""
    *parents, field = flag.path.split(".")
    message: Any = spec
    for parent in parents:
        message = getattr(message, parent)
    if flag.prefix:
        enum = message.DESCRIPTOR.fields_by_name[field].enum_type
        value = enum.values_by_name[f"{flag.prefix}{value.upper()}"].number
    if flag.parse is seconds:
        getattr(message, field).FromMilliseconds(round(value * 1000))
    elif isinstance(value, list):
        message.ClearField(field)
        getattr(message, field).extend(value)
    else:
        setattr(message, field, value)
