"""Which values a builder's argument takes. No torch."""

from dataclasses import dataclass
from typing import Any, Literal

MAX_SHOWN = 60
"""Characters of a wrong value in a message."""

MAX_EXACT = 10**15
"""Larger whole numbers are not written out: a double becomes one of 300 digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgumentRule:
    """The values of one argument that a spec may set.

    Attributes:
        count: how many such values, in a list; 0: one, in no list.
    """

    kind: Literal["whole", "number", "flag"]
    least: float = 0
    most: float = 0
    count: int = 0

    def problem(self, value: object) -> str:
        """Return what is wrong with a value as a spec has it; nothing where it is right."""
        values = value if self.count and isinstance(value, list | tuple) else [value]
        is_right = len(values) == (self.count or 1) and all(map(self._takes, values))
        return "" if is_right else f"{_shown(value)} is not {self._wanted()}"

    def typed(self, value: Any) -> Any:
        """Return a right value as builders want it: JSON does not tell 1 from 1.0."""
        return float(value) if self.kind == "number" else value

    def _takes(self, value: object) -> bool:
        if self.kind == "flag" or isinstance(value, bool):
            return self.kind == "flag" and isinstance(value, bool)
        kinds = (int,) if self.kind == "whole" else (int, float)
        return isinstance(value, kinds) and self.least <= value <= self.most

    def _wanted(self) -> str:
        if self.kind == "flag":
            return "true or false"
        noun = "whole number" if self.kind == "whole" else "number"
        span = f"from {self.least:g} to {self.most:g}"
        return f"{self.count} {noun}s {span}" if self.count else f"a {noun} {span}"


def whole(least: int, most: int, *, count: int = 0) -> ArgumentRule:
    """Return the rule of a count or width."""
    return ArgumentRule(kind="whole", least=least, most=most, count=count)


def number(least: float, most: float) -> ArgumentRule:
    """Return the rule of a rate or scale."""
    return ArgumentRule(kind="number", least=least, most=most)


FLAG = ArgumentRule(kind="flag")


def _shown(value: object) -> str:
    if isinstance(value, int) and abs(value) > MAX_EXACT:
        return "a number beyond 10^15"
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."
