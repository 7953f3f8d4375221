"""The search for a weight's bytes: location after location, until one proves right."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from catalog_service.blobs.store import BlobStore
from catalog_service.errors import Precondition
from catalog_service.index.entries import WeightEntry
from catalog_service.weights.conversion import convert, store_as_published
from catalog_service.weights.locations.location import ForeignFile, Location, Miss, Source
from catalog_service.weights.locations.store import Store
from catalog_service.weights.progress import Progress, Tell
from catalog_service.weights.remedies import Remedies
from catalog_service.weights.sources.published_file import published_file
from catalog_service.weights.trail import Outcome, Remedy, Step, failure
from catalog_service.weights.verification import Proof, Refutation, Verification, stamp_of
from catalog_service.weights.wanted_file import WantedFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A weight's proven bytes, and how they were found."""

    source: Source
    trail: tuple[Step, ...]


class Search:
    """Finds, proves and converts published weights.

    Args:
        locations: in the order in which they are tried, behind our own store.
        own: where conversions are remembered.
        store: where converted blobs go.
        remedies: for the error when nothing is found.
    """

    def __init__(
        self,
        *,
        locations: Sequence[Location],
        own: Store,
        store: BlobStore,
        verification: Verification,
        remedies: Remedies,
    ) -> None:
        self._locations = tuple(locations)
        self._own = own
        self._store = store
        self._verification = verification
        self._remedies = remedies

    def find(self, weight: WeightEntry, tell: Tell) -> Found:
        """Return the weight's converted bytes.

        Raises:
            WeightsUnavailable: no location has them; the message has the whole trail.
            EveryCopyCorrupt: there were copies, all with other bytes than published.
        """
        looked = self._own.look(weight)
        if isinstance(looked, Source):
            return Found(source=looked, trail=(_hit(self._own.name),))
        steps = [_left(self._own.name, looked, tell)]
        for location in self._locations:
            outcome = self._try(location, weight, tell)
            if isinstance(outcome, Source):
                return Found(source=outcome, trail=(*steps, _hit(location.name)))
            steps.append(_left(location.name, outcome, tell))
        remedies = self._remedies.of(weight, published_file(weight))
        raise failure(weight.reference, steps, remedies)

    def look(self, weight: WeightEntry, *, probe: bool = False) -> tuple[Step, ...]:
        """Return what every location would say, in their order, also behind the first hit.

        Args:
            probe: ask remote locations for headers.
        """
        found = self._own.look(weight)
        own = _hit(self._own.name) if isinstance(found, Source) else _missed(self._own.name, found)
        file = published_file(weight)
        return (own, *(_seen(location, file) for location in self._locations))

    def remedies(self, weight: WeightEntry) -> tuple[Remedy, ...]:
        """Return what to do where no location has a weight."""
        return self._remedies.of(weight, published_file(weight))

    def cached_state(self, weight: WeightEntry) -> str:
        """Return `stored`, `local_file` or `absent`, without reading a file."""
        if self._own.has(weight):
            return "stored"
        file = published_file(weight)
        looked = (place.look(file) for place in self._locations)
        return "local_file" if any(isinstance(f, ForeignFile) for f in looked) else "absent"

    def _try(self, location: Location, weight: WeightEntry, tell: Tell) -> Source | Miss:
        looked = location.look(published_file(weight))
        if not isinstance(looked, ForeignFile):
            assert isinstance(looked, Miss)
            return looked
        try:
            return self._adopt(looked.path, weight, tell)
        except OSError as error:
            detail = f"{looked.path}: {error.strerror}"
            return Miss(detail=detail, outcome=Outcome.UNREADABLE, place=str(looked.path))

    def _adopt(self, path: Path, weight: WeightEntry, tell: Tell) -> Source | Miss:
        before, place = stamp_of(path), str(path)
        tell(Progress(step="verifying", text=f"{path}: comparing its sha256"))
        proof = self._verification.check(path, published_file(weight))
        if isinstance(proof, Refutation):
            return Miss(detail=proof.detail, outcome=Outcome.WRONG_DIGEST, place=place)
        tell(Progress(step="converting", text=f"{path.name}: reading tensors into canonical names"))
        try:
            source = self._convert(path, weight, proof)
        except Precondition as error:
            return Miss(detail=error.message, outcome=Outcome.UNREADABLE, place=place)
        if stamp_of(path) != before:
            changed = f"{path} changed while it was read"
            return Miss(detail=changed, outcome=Outcome.UNREADABLE, place=place)
        self._own.remember(weight, source)
        return source

    def _convert(self, path: Path, weight: WeightEntry, proof: Proof) -> Source:
        if weight.is_quantized:
            converted = store_as_published(path, self._store, digest=proof.digest)
        else:
            converted = convert([path], weight.family, self._store)
        return Source(
            blob_digest=converted.blob.digest,
            source_digest=proof.digest,
            proof=proof.kind,
            rules=converted.rules,
            ignored=converted.ignored,
            non_finite=converted.non_finite,
        )


def _hit(location: str, place: str = "") -> Step:
    return Step(location=location, outcome=Outcome.HIT, place=place)


def _missed(location: str, miss: Miss) -> Step:
    return Step(
        location=location,
        outcome=miss.outcome,
        detail=miss.detail,
        place=miss.place,
        gate=miss.gate,
        page=miss.page,
        retry_after_s=miss.retry_after_s,
    )


def _left(location: str, miss: Miss, tell: Tell) -> Step:
    """Return the step of a location that is left, and say so."""
    step = _missed(location, miss)
    tell(Progress(step="resolving", text=str(step), location=location, left=step))
    return step


def _seen(location: Location, file: WantedFile) -> Step:
    """Return what a location would say of a file, without reading it."""
    looked = location.look(file)
    if isinstance(looked, ForeignFile):
        return _hit(location.name, str(looked.path))
    assert isinstance(looked, Miss)
    return _missed(location.name, looked)
