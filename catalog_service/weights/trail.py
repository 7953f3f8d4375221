"""What was tried to find a weight's bytes, and the errors when nothing helped. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from catalog_service.errors import Corrupt, Link, Precondition, Unavailable, VertebraError


class Outcome(Enum):
    """How a step ended."""

    HIT = "hit"
    ABSENT = "absent"
    WRONG_DIGEST = "wrong digest"
    UNREADABLE = "unreadable"
    OFFLINE = "offline mode"
    REFUSED = "host not allowed"
    UNREACHABLE = "unreachable"
    GATED = "gated"
    SERVER_ERROR = "server error"
    NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One location tried.

    Attributes:
        detail: why it was no hit, for people; empty for a hit.
        place: the file or URL that was looked at; never with a token.
        gate, page, retry_after_s: as in Miss.
    """

    location: str
    outcome: Outcome
    detail: str = ""
    place: str = ""
    gate: str = ""
    page: str = ""
    retry_after_s: float | None = None

    def __str__(self) -> str:
        return f"{self.location}: {self.detail or self.outcome.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """Something that helps: a sentence, and a URL where there is one."""

    kind: Literal["mirror", "origin", "recipe", "contact"]
    text: str
    url: str = ""


class WeightsUnavailable(Precondition):
    """No location has the bytes."""

    reason = "WEIGHTS_UNAVAILABLE"


class WeightsGated(Precondition):
    """The publisher wants a token, accepted terms, or has refused this one."""

    reason = "WEIGHTS_GATED"


class WeightsUnreachable(Unavailable):
    """A location that may have the bytes does not answer now."""

    reason = "WEIGHTS_UNREACHABLE"


class EveryCopyCorrupt(Corrupt):
    """There were copies, and each has other bytes than published."""

    reason = "DIGEST_MISMATCH"


def hit(location: str, place: str = "") -> Step:
    """Return the step of a location that has the bytes."""
    return Step(location=location, outcome=Outcome.HIT, place=place)


RETRY_AFTER_S = 30.0
"""When a location that did not answer may be asked again, unless it says so itself."""

MAX_MESSAGE_CHARS = 1300
"""Of a message with its trail: 1,536 bytes travel, and what is no ASCII takes more than one."""

MAX_REMEDY_CHARS = 250
MIN_STEP_CHARS = 60
"""How much of each line of a message is shown at most, and at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    """What a search without a hit is, where any step ended in one of these ways."""

    outcomes: frozenset[Outcome]
    error: type[VertebraError]
    sentence: str


_VERDICTS = (
    _Verdict(
        outcomes=frozenset({Outcome.GATED}),
        error=WeightsGated,
        sentence="the publisher does not hand {} to this catalog:",
    ),
    _Verdict(
        outcomes=frozenset({Outcome.UNREACHABLE, Outcome.SERVER_ERROR}),
        error=WeightsUnreachable,
        sentence="no bytes for {} now; a location does not answer, try again:",
    ),
    _Verdict(
        outcomes=frozenset({Outcome.WRONG_DIGEST}),
        error=EveryCopyCorrupt,
        sentence="every copy of {} has other bytes than published:",
    ),
    _Verdict(outcomes=frozenset(Outcome), error=WeightsUnavailable, sentence="no bytes for {}:"),
)
"""The first that applies counts: what a person can do something about comes first, and bytes are
lost only where nobody can have good ones.
"""


def failure(
    reference: str, steps: Sequence[Step], remedies: Sequence[Remedy] = ()
) -> VertebraError:
    """Return the error of a search that ended without a hit, with every place tried."""
    ends = {step.outcome for step in steps}
    verdict = next((each for each in _VERDICTS if each.outcomes & ends), _VERDICTS[-1])
    return verdict.error(
        trail_message(verdict.sentence.format(reference), steps, remedies),
        metadata=trail_metadata(reference, steps),
        retry_after_s=_retry_after_s(steps) if verdict.error is WeightsUnreachable else None,
        links=_links(steps, remedies),
    )


def with_trail(
    error: VertebraError, reference: str, steps: Sequence[Step], remedies: Sequence[Remedy] = ()
) -> VertebraError:
    """Return an error that ended a search, with what was tried before; what helps where it does."""
    error.metadata = trail_metadata(reference, steps) | error.metadata
    if isinstance(error, Precondition):
        error.message = trail_message(error.message, (), remedies)
    return error


def trail_message(sentence: str, steps: Sequence[Step], remedies: Sequence[Remedy] = ()) -> str:
    """Return a sentence, a line for each step and one for each remedy, short enough to travel."""
    ending = [f"  {_short(remedy.text, MAX_REMEDY_CHARS)}" for remedy in remedies]
    room = MAX_MESSAGE_CHARS - len(sentence) - sum(len(line) + 1 for line in ending)
    said = [f"  {step}" for step in steps]
    longest = max(MIN_STEP_CHARS, _fair_length([len(line) + 1 for line in said], room))
    return "\n".join([sentence, *(_short(line, longest - 1) for line in said), *ending])


def _fair_length(lengths: Sequence[int], room: int) -> int:
    """Return what each may have of the room; what short ones leave goes to the long ones."""
    for number, length in enumerate(sorted(lengths)):
        share = room // (len(lengths) - number)
        if length > share:
            return share
        room -= length
    return max(lengths, default=0)


def trail_metadata(reference: str, steps: Sequence[Step]) -> dict[str, str]:
    """Return the same for programs: `step.1`, `step.2`, ... and where access is granted."""
    found = {"weights": reference, "num_locations": str(len(steps))}
    for gated in (step for step in steps if step.gate):
        found |= {"gate": gated.gate, "page": gated.page}
    return found | {f"step.{number}": str(step) for number, step in enumerate(steps, 1)}


def _links(steps: Sequence[Step], remedies: Sequence[Remedy]) -> tuple[Link, ...]:
    pages = [Link(text="where access is granted", url=step.page) for step in steps if step.page]
    found = [Link(text=each.text, url=each.url) for each in remedies if each.url]
    return tuple({link.url: link for link in (*found, *pages)}.values())


def _retry_after_s(steps: Sequence[Step]) -> float:
    said = [step.retry_after_s for step in steps if step.retry_after_s is not None]
    return max(said, default=RETRY_AFTER_S)


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 4]} ..."
