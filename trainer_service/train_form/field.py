"""What a setting is made of: its place in the spec, its words, its choices.

Mirrors `vertebra.trainer.v1` train_form.proto, field by field.
"""

from dataclasses import dataclass
from typing import Literal

FormValue = bool | int | float | str | None
"""As it is in JSON; None is null, which leaves a setting away."""

FieldKind = Literal[
    "toggle",
    "choice",
    "integer",
    "number",
    "text",
    "list",
    "architecture",
    "weights",
    "place",
    "duration",
    "table",
    "map",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormChoice:
    """One value that a setting can have."""

    value: FormValue
    label: str
    help: str = ""
    advice: str = ""
    """When to use it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormCondition:
    """Another setting has one of these values."""

    path: str
    values: tuple[FormValue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """One setting."""

    path: str
    """In the JSON of a TrainJobSpec, such as `model.pretrained`."""
    label: str
    help: str
    kind: FieldKind
    default: FormValue = None
    """What the server takes where nothing is chosen; None where that depends, or is nothing."""
    choices: tuple[FormChoice, ...] = ()
    shown_when: tuple[FormCondition, ...] = ()
    """All of these hold; always where there are none."""
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    is_required: bool = False
    is_advanced: bool = False
    flag: str = ""
    """Of `vertebra train`."""
    row: "tuple[FormField, ...]" = ()
    """Of a table or a map: what one row asks for, with paths within the row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormSection:
    """Settings that belong together."""

    id: str
    label: str
    help: str
    fields: tuple[FormField, ...]


def when(path: str, *values: FormValue) -> tuple[FormCondition, ...]:
    """Return the condition that a setting has one of some values; add them up for several."""
    return (FormCondition(path=path, values=values),)


def switch(
    on: str, off: str, *, on_advice: str = "", off_advice: str = ""
) -> tuple[FormChoice, ...]:
    """Return both states of a toggle with their tooltips."""
    return (
        FormChoice(value=True, label="On", help=on, advice=on_advice),
        FormChoice(value=False, label="Off", help=off, advice=off_advice),
    )
