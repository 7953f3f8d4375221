"""A terminal that keeps what is printed."""

from collections.abc import Callable
from io import StringIO

import pytest
from rich.console import Console

Terminal = Callable[[int], Console]


@pytest.fixture
def terminal() -> Terminal:
    """Return a function that gives a colourless terminal of a width; `told` reads it."""

    def make(width: int) -> Console:
        return Console(
            file=StringIO(),
            width=width,
            force_terminal=True,
            color_system=None,
            highlight=False,
            markup=False,
            legacy_windows=False,
        )

    return make


def told(page: Console) -> list[str]:
    """Return the lines on a terminal, without the blanks that fill them up."""
    text: str = page.file.getvalue()  # type: ignore[attr-defined]
    return [line.rstrip() for line in text.splitlines()]
