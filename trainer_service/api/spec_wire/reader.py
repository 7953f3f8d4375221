"""What reading a spec has found wrong so far, and the checks that every part of it needs."""

import math
from collections.abc import Mapping
from typing import Any

from catalog_service.errors import Violation
from trainer_service.api.words import word_of


class Reader:
    """Reads one spec and keeps what is wrong with it."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []

    def wrong(self, field: str, description: str) -> None:
        """Remember a problem; `field` is a path below `spec`."""
        self.violations.append(Violation(field=f"spec.{field}", description=description))

    def word(self, words: Mapping[int, str], number: int, field: str) -> Any:
        """Return the word for an enum's number; one of a `Literal`, which a type cannot say."""
        return word_of(words, number, f"spec.{field}", self.violations)

    def at_least(self, least: float, value: float, field: str) -> None:
        """Note a number that is smaller, infinite or no number."""
        if not (math.isfinite(value) and value >= least):
            self.wrong(field, f"{value} is less than {least}, or no number")

    def positive(self, value: float, field: str) -> None:
        """Note a number that is not above 0."""
        if not (math.isfinite(value) and value > 0):
            self.wrong(field, f"{value} is not a positive number")

    def between(self, least: float, most: float, value: float, field: str) -> None:
        """Note a number that is outside, both ends included."""
        if not least <= value <= most:
            self.wrong(field, f"{value} is not between {least} and {most}")
