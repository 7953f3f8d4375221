"""Everything that is wrong with one request, so that people mend it in one go."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from catalog_service.errors import (
    Conflict,
    InvalidRequest,
    NotFound,
    Precondition,
    VertebraError,
    Violation,
    invalid,
)
from trainer_service.errors import CatalogRefusesTrainer, PathOutsideRoots

ABOUT_THE_REQUEST = (InvalidRequest, NotFound, Conflict, Precondition, PathOutsideRoots)
"""What another request could do without; every other failure ends the search at once."""


class Findings:
    """Collects failures of checks that do not need each other.

    Args:
        violations: what the request shows by itself.
    """

    def __init__(self, violations: Sequence[Violation] = ()) -> None:
        self._violations = list(violations)
        self._failures: list[VertebraError] = []

    @contextmanager
    def at(self, field: str) -> Iterator[None]:
        """Keep a failure of what is done inside; `field` is what to change if it does not say."""
        try:
            yield
        except CatalogRefusesTrainer:
            raise
        except ABOUT_THE_REQUEST as error:
            whole = [Violation(field=field, description=error.message)]
            self._violations += error.violations or whole
            self._failures.append(error)

    def is_clear(self, *fields: str) -> bool:
        """Whether nothing is wrong at these fields or inside of them."""
        return not any(
            found.field == field or found.field.startswith((f"{field}.", f"{field}["))
            for found in self._violations
            for field in fields
        )

    def raise_any(self) -> None:
        """Return where nothing was found.

        Raises:
            VertebraError: the one failure, as it is, or InvalidRequest with all that was found.
        """
        if len(self._failures) == 1 and len(self._violations) == self._num_of(self._failures[0]):
            raise self._failures[0]
        if self._violations:
            raise invalid(self._violations)

    @staticmethod
    def _num_of(failure: VertebraError) -> int:
        return len(failure.violations) or 1
