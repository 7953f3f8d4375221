"""A command with many options shows them under headings."""

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])
Option = Callable[[Any], Any]

WIDTH_OF_A_FIELD = re.compile(r"\s*\[[01]<=x<=\d{10,}\]|(?<=\[)[01]<=x<=\d{10,}; ")
"""The range of an amount that only ends where the contract's field is full."""

_TITLE_OF = "__vertebra_sections__"


def section(title: str, options: Sequence[Option]) -> Callable[[Function], Function]:
    """Return what adds `options`, to be shown under `title` by a SectionedCommand."""

    def add(function: Function) -> Function:
        known = _params(function)
        before = {id(param) for param in known}
        for option in reversed(options):
            function = option(function)
        added = {param.name: title for param in _params(function) if id(param) not in before}
        setattr(function, _TITLE_OF, {**added, **getattr(function, _TITLE_OF, {})})
        return function

    return add


def _params(function: Callable[..., Any]) -> list[click.Parameter]:
    """Return what click has gathered on a function that is no command yet."""
    params: list[click.Parameter] = getattr(function, "__click_params__", [])
    return params


class SectionedCommand(click.Command):
    """A command whose options are listed under the headings of `section`; the rest comes last."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one list a heading."""
        titles: dict[str, str] = getattr(self.callback, _TITLE_OF, {})
        lists: dict[str, list[tuple[str, str]]] = {title: [] for title in titles.values()}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None and isinstance(param, click.Option):
                title = titles.get(param.name or "", "Options")
                lists.setdefault(title, []).append((record[0], WIDTH_OF_A_FIELD.sub("", record[1])))
        for title, records in lists.items():
            with formatter.section(title):
                formatter.write_dl(records)
