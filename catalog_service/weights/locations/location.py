"""What every location can do, and what it can find."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from catalog_service.weights.http.client import HttpClient
from catalog_service.weights.trail import Outcome, Step
from catalog_service.weights.wanted_file import WantedFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Proven numbers of a weight under canonical names, in our own store.

    Attributes:
        blob_digest: of the safetensors blob.
        source_digest: sha256 of the published file.
        proof: `full`, `prefix` or `first_use`, as in Lineage.
        rules: renames that the conversion made.
        ignored: objects beside the tensors that were not taken, as `name (kind)`.
        non_finite: tensors with NaN or infinite numbers.
    """

    blob_digest: str
    source_digest: str
    proof: str
    rules: tuple[str, ...]
    ignored: tuple[str, ...] = ()
    non_finite: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignFile:
    """A file of the right name that belongs to somebody else: read it, never change it."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """Where a server may have a file; nobody has asked it yet.

    Attributes:
        location: as the trail calls the place.
        url: may have a query or credentials of the settings: never shown, see `http.hosts.shown`.
        client: asks with the timeouts, the proxy and the token of this location.
    """

    location: str
    url: str
    client: HttpClient


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFiles:
    """URLs at one location under which a file may be, the likeliest first."""

    candidates: tuple[RemoteFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """Nothing usable here, and why.

    Attributes:
        place: the file or URL that was looked at; never with a token.
        gate: for what is gated: `NO_TOKEN`, `BAD_TOKEN`, `NOT_REQUESTED`, `PENDING`, `REJECTED`.
        page: where access is granted.
        retry_after_s: when the server wants to be asked again.
    """

    detail: str
    outcome: Outcome = Outcome.ABSENT
    place: str = ""
    gate: str = ""
    page: str = ""
    retry_after_s: float | None = None

    def step(self, location: str) -> Step:
        """Return the step of a location that ended like this."""
        return Step(
            location=location,
            outcome=self.outcome,
            detail=self.detail,
            place=self.place,
            gate=self.gate,
            page=self.page,
            retry_after_s=self.retry_after_s,
        )


class Location(Protocol):
    """One place."""

    @property
    def name(self) -> str:
        """How the trail calls it."""
        ...

    def look(self, file: WantedFile) -> ForeignFile | RemoteFiles | Miss:
        """Return what is here of a file. No server is asked."""
        ...
