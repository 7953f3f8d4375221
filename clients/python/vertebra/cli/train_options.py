"""`vertebra train options`: how a training is asked for, as the trainer itself says it."""

from collections.abc import Iterable, Mapping, Sequence

import click
from google.protobuf.struct_pb2 import Value
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from vertebra.cli.clients import trainer_client
from vertebra.cli.options import json_option, trainer_option
from vertebra.cli.screen import print_json, screen, title
from vertebra.trainer.v1 import train_form_pb2 as forms

INDENT = (0, 0, 0, 4)


@click.command("options")
@click.option("--all", "shows_all", is_flag=True, help="Rarely needed ones too.")
@trainer_option
@json_option
def train_options(shows_all: bool, trainer_address: str, as_json: bool) -> None:
    """Say what can be chosen, what it means, and when to choose what.

    \b
    Example:
      vertebra train options
      vertebra train options --all
    """
    with trainer_client(trainer_address) as trainer:
        form = trainer.form()
    if as_json:
        print_json(form)
        return
    page = screen()
    asked = {field.path: field for section in form.sections for field in section.fields}
    for section in form.sections:
        fields = [field for field in section.fields if shows_all or not field.is_advanced]
        if fields:
            page.print(title(section.label, f"  {section.help}"), "", sep="\n")
            page.print(Group(*(field_view(field, asked) for field in fields)))
    if not shows_all:
        page.print("next: vertebra train options --all", style="dim")


def field_view(field: forms.FormField, asked: Mapping[str, forms.FormField]) -> RenderableType:
    """Return a setting: its flag and default, what it means, its choices and when to take which.

    Args:
        field: the setting.
        asked: all of them by their path, for what has to be chosen for this one to matter.
    """
    pieces = ((field.label, "bold"), (field.flag, "cyan"), (_else(field), "dim"))
    head = Text("  ").join(Text(text, style) for text, style in pieces if text)
    unit = f" In {field.unit}." if field.unit else ""
    parts: list[RenderableType] = [head]
    if only := _only_with(field.shown_when, asked):
        parts.append(Padding(Text(f"only with {only}", "dim"), INDENT))
    parts.append(Padding(f"{field.help}{unit}", INDENT))
    if field.row:
        each = ", ".join(inner.label.lower() for inner in field.row)
        parts.append(Padding(f"Any number; each has: {each}.", INDENT))
    if any(choice.help or choice.advice for choice in field.choices):
        parts.append(Padding(_choices_view(field.choices), INDENT))
    elif field.choices:
        parts.append(Padding(", ".join(choice.label for choice in field.choices), INDENT))
    return Group(*parts, Text())


def _only_with(
    conditions: Iterable[forms.FormCondition], asked: Mapping[str, forms.FormField]
) -> str:
    """Return `Task: Detection`: what has to be chosen, but for switches that stand so anyway."""
    return "; ".join(
        told
        for condition in conditions
        if condition.path in asked and (told := _chosen(condition, asked[condition.path]))
    )


def _chosen(condition: forms.FormCondition, field: forms.FormField) -> str:
    is_switch = field.kind == forms.FormField.KIND_TOGGLE
    if is_switch and field.default_value in condition.values:
        return ""
    labels = [choice.label for choice in field.choices if choice.value in condition.values]
    return f"{field.label}: {' or '.join(labels)}" if labels else ""


def _choices_view(choices: Sequence[forms.FormChoice]) -> Table:
    told = Table.grid(padding=(0, 2, 0, 0))
    told.add_column(style="dim", no_wrap=True)
    told.add_column(overflow="fold")
    for choice in choices:
        told.add_row(choice.label, choice.help)
        if choice.advice:
            told.add_row("", Text.assemble(("when: ", "dim"), choice.advice))
    return told


def _else(field: forms.FormField) -> str:
    """Return what holds where nothing is chosen."""
    if field.is_required:
        return "required"
    if not field.HasField("default_value"):
        return ""
    labels = [choice.label for choice in field.choices if choice.value == field.default_value]
    return labels[0].lower() if labels else _plain(field.default_value)


def _plain(value: Value) -> str:
    kind = value.WhichOneof("kind")
    return f"{value.number_value:g}" if kind == "number_value" else str(getattr(value, kind or ""))
