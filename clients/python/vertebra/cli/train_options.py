"""`vertebra train options`: how a training is asked for, as the trainer itself says it."""

import click
from google.protobuf.struct_pb2 import Value
from rich.table import Table

from vertebra.cli.clients import trainer_client
from vertebra.cli.options import json_option, trainer_option
from vertebra.cli.screen import print_json, screen, table, title
from vertebra.trainer.v1 import train_form_pb2 as forms

TOGGLE = forms.FormField.Kind.KIND_TOGGLE


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
    for number, section in enumerate(form.sections):
        fields = [field for field in section.fields if shows_all or not field.is_advanced]
        if fields:
            page.print(
                *[""] * (number > 0), title(section.label, f"  {section.help}"), "", sep="\n"
            )
            page.print(section_view(fields))
    if not shows_all:
        page.print("\nnext: vertebra train options --all", style="dim")


def section_view(fields: list[forms.FormField]) -> Table:
    """Return a line a setting, below it one for each of its choices."""
    lines = table("SETTING", "FLAG", "ELSE", "MEANS")
    lines.columns[3].no_wrap, lines.columns[3].overflow = False, "fold"
    for field in fields:
        lines.add_row(field.label, field.flag, _else(field), _with_unit(field))
        for choice in field.choices:
            if choice.help or choice.advice:
                lines.add_row("", "", "", f"{choice.label}: {_told(choice)}")
    return lines


def _told(choice: forms.FormChoice) -> str:
    """Return what a choice does and when to use it."""
    return " When: ".join(text for text in (choice.help, choice.advice) if text)


def _with_unit(field: forms.FormField) -> str:
    return f"{field.help} In {field.unit}." if field.unit else field.help


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
