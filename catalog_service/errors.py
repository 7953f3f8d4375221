"""The kinds of failure, for both services.

An error says what was asked, what is so and what would be right. Every named error of either
service inherits exactly one kind; `serving/status.py` alone turns kinds into gRPC statuses.
Anything else that is raised is a bug.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import ClassVar

MAX_LISTED = 5
"""Lists in messages are cut after this many entries; `listed` says how many more there are."""

NUM_CLOSEST = 3
"""How many near names a message shows."""

MAX_COMPARED_CHARS = 200
"""The longest name that near names are looked for; the longest published reference has 77."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One thing wrong with a request: a field path such as `spec.model.backbone`, and why."""

    field: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A page that helps: where access is granted, where something is described."""

    text: str
    url: str


class VertebraError(Exception):
    """A failure that the caller can understand. Raise one of the kinds, or a subclass of one.

    Args:
        message: one or a few sentences for people; quotes values with `!r`.
        reason: UPPER_SNAKE_CASE for programs, part of the contract; a subclass sets its own.
        metadata: details for programs.
        violations: for invalid requests, every problem found.
        retry_after_s: for failures that pass by themselves.
        links: pages that help, the best first.
    """

    reason: ClassVar[str] = "UNKNOWN"

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        metadata: Mapping[str, str] | None = None,
        violations: Sequence[Violation] = (),
        retry_after_s: float | None = None,
        links: Sequence[Link] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.error_reason = reason or type(self).reason
        self.metadata = dict(metadata or {})
        self.violations = tuple(violations)
        self.retry_after_s = retry_after_s
        self.links = tuple(links)


class InvalidRequest(VertebraError):
    """The request is wrong whatever the state of the service: fix it."""

    reason = "FIELD_INVALID"


class NotFound(VertebraError):
    """A named thing does not exist."""

    reason = "NOT_FOUND"


class Conflict(VertebraError):
    """The thing exists already and is not the same."""

    reason = "ALREADY_EXISTS"


class Precondition(VertebraError):
    """Something else must be done first."""

    reason = "FAILED_PRECONDITION"


class OutOfRange(VertebraError):
    """A position is outside of what exists now."""

    reason = "OUT_OF_RANGE"


class Exhausted(VertebraError):
    """No room, no slot, too much at once: wait or ask for less."""

    reason = "SERVER_BUSY"


class Corrupt(VertebraError):
    """Bytes are not what they should be, and no good copy is left."""

    reason = "DIGEST_MISMATCH"


class Unavailable(VertebraError):
    """Something outside does not answer now: try again."""

    reason = "UNAVAILABLE"


class Denied(VertebraError):
    """The caller may not do this."""

    reason = "ACCESS_DENIED"


class Unauthenticated(VertebraError):
    """Who calls is not known: show something, or something else."""

    reason = "CREDENTIALS_MISSING"


KINDS = (
    InvalidRequest,
    NotFound,
    Conflict,
    Precondition,
    OutOfRange,
    Exhausted,
    Corrupt,
    Unavailable,
    Denied,
    Unauthenticated,
)
"""Every kind there is; `serving/status.py` has a status for each."""


def listed(names: Sequence[str], *, limit: int = MAX_LISTED) -> str:
    """Return `a, b, c and 4 more`: at most `limit` names, in the order given."""
    shown = ", ".join(names[:limit])
    hidden = len(names) - limit
    return f"{shown} and {hidden} more" if hidden > 0 else shown


def closest(name: str, known: Iterable[str]) -> str:
    """Return `closest are a, b; ` for an unknown name, or nothing where no name is like it.

    A name longer than any real one is not compared: that would take seconds.
    """
    if len(name) > MAX_COMPARED_CHARS:
        return ""
    near = get_close_matches(name, known, n=NUM_CLOSEST, cutoff=0.5)
    return f"closest are {listed(near)}; " if near else ""


def invalid(violations: Sequence[Violation]) -> InvalidRequest:
    """Return one error for all problems of one request."""
    return InvalidRequest(
        "; ".join(f"{violation.field}: {violation.description}" for violation in violations),
        violations=violations,
    )
