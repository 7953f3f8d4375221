"""What was tried to find a weight's bytes, and the errors when nothing helped. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from catalog_service.errors import Corrupt, Precondition, VertebraError


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
    """

    location: str
    outcome: Outcome
    detail: str = ""
    place: str = ""

    def __str__(self) -> str:
        return f"{self.location}: {self.detail or self.outcome.value}"


class WeightsUnavailable(Precondition):
    """No location has the bytes."""

    reason = "WEIGHTS_UNAVAILABLE"


class EveryCopyCorrupt(Corrupt):
    """There were copies, and each has other bytes than published."""

    reason = "DIGEST_MISMATCH"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedies:
    """What a reader of the error can do about it today."""

    torch_hub_folder: str
    mirror_folders: tuple[str, ...]

    def text(self, file_name: str, url: str) -> str:
        """Return the sentence that follows the trail."""
        mirror = (
            f"the mirror folder {self.mirror_folders[0]}"
            if self.mirror_folders
            else "a mirror folder (VERTEBRA_CATALOG_MIRRORS)"
        )
        return (
            f"Put {file_name} into {mirror} or into the torch-hub cache "
            f"{self.torch_hub_folder} (it is published at {url}), or register a backbone of your "
            "own with RegisterCheckpoint."
        )


def failure(reference: str, steps: Sequence[Step], *, remedies: str) -> VertebraError:
    """Return the error of a search that ended without a hit, with every place tried.

    It is data loss only where a copy with wrong bytes was found.
    """
    trail = "; ".join(str(step) for step in steps)
    metadata = {"weights": reference, "num_locations": str(len(steps))}
    if any(step.outcome is Outcome.WRONG_DIGEST for step in steps):
        return EveryCopyCorrupt(
            f"every copy of {reference} has other bytes than published: {trail}.\n  {remedies}",
            metadata=metadata,
        )
    return WeightsUnavailable(
        f"no bytes for {reference}: {trail}.\n  {remedies}", metadata=metadata
    )
