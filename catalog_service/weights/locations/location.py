"""What every location can do, and what it can find."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from catalog_service.index.entries import WeightEntry
from catalog_service.weights.trail import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Proven numbers of a weight under canonical names, in our own store.

    Attributes:
        blob_digest: of the safetensors blob.
        source_digest: sha256 of the published file.
        proof: `prefix` or `first_use`, as in Lineage.
        rules: renames that the conversion made.
    """

    blob_digest: str
    source_digest: str
    proof: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignFile:
    """A file of the right name that belongs to somebody else: read it, never change it."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """Nothing usable here, and why."""

    detail: str
    outcome: Outcome = Outcome.ABSENT


class Location(Protocol):
    """One place."""

    @property
    def name(self) -> str:
        """How the trail calls it."""
        ...

    def look(self, weight: WeightEntry) -> Source | ForeignFile | Miss:
        """Return what is here of a weight."""
        ...
