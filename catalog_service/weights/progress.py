"""What is being done about a weight, for those who wait. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from catalog_service.weights.trail import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One report.

    Attributes:
        step: `resolving`, `waiting`, `downloading`, `verifying`, `converting`, `building` or
            `storing`.
        text: a line for people.
        location: where the bytes come from, as in the trail; empty where none is asked.
        bytes_total: 0 where it is not known.
        bytes_per_s: over the last seconds.
        remaining_s: None where it cannot be said.
        left: a location that was given up, and why.
    """

    step: str
    text: str
    location: str = ""
    bytes_done: int = 0
    bytes_total: int = 0
    bytes_per_s: float = 0.0
    remaining_s: float | None = None
    left: Step | None = None


Tell = Callable[[Progress], None]
"""Takes a report; called from the thread that does the work."""


def say(tell: Tell, step: str, text: str) -> None:
    """Report a step that has no numbers."""
    tell(Progress(step=step, text=text))


def ignore(progress: Progress) -> None:
    """Take a report that nobody reads."""
