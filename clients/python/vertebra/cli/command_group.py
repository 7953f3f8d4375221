"""Groups of commands that forgive: other words for a name count, and a wrong one is answered."""

from collections.abc import Sequence
from difflib import get_close_matches

import click

SYNONYMS = (("ls", "list"), ("rm", "delete", "remove"), ("show", "get", "describe"))
"""A group has one of each; the others mean it."""


class CommandGroup(click.Group):
    """A group whose commands may be called by another common name."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is meant.

        Raises:
            click.UsageError: none is; the message has the nearest.
        """
        names = self.list_commands(ctx)
        name = meant(args[0], names)
        if name is None and not ctx.resilient_parsing:
            raise click.UsageError(_no_such(args[0], self.nearest(args[0], names)), ctx)
        return super().resolve_command(ctx, [name or args[0], *args[1:]])

    def nearest(self, name: str, names: Sequence[str]) -> list[str]:
        """Return what a caller who says `name` may have meant, best first."""
        return get_close_matches(name, names)


def meant(name: str, names: Sequence[str]) -> str | None:
    """Return the one of `names` that is called, or None."""
    if name in names:
        return name
    words = next((words for words in SYNONYMS if name in words), ())
    return next((word for word in words if word in names), None)


def _no_such(name: str, nearest: Sequence[str]) -> str:
    if not nearest:
        return f"No such command {name!r}."
    return f"No such command {name!r}. Did you mean {' or '.join(map(repr, nearest))}?"
