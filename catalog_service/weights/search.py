"""The search for a weight's bytes: location after location, until one proves right."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from catalog_service.blobs.store import BlobStore
from catalog_service.errors import Precondition
from catalog_service.index.entries import WeightEntry
from catalog_service.reader.read_file import list_tensors, write_tensors
from catalog_service.weights.locations.location import ForeignFile, Location, Miss, Source
from catalog_service.weights.locations.store import Store
from catalog_service.weights.published_layouts import canonical_names
from catalog_service.weights.trail import Outcome, Remedies, Step, failure
from catalog_service.weights.verification import Proof, Refutation, Verification, stamp_of
from catalog_service.weights.wanted_file import WantedFile

Report = Callable[[str, str], None]
"""Takes a step (`verifying`, `converting`) and a line for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A weight's proven bytes, and how they were found."""

    source: Source
    trail: tuple[Step, ...]


class Search:
    """Finds, proves and converts published weights.

    Args:
        locations: in the order in which they are tried.
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

    def find(self, weight: WeightEntry, report: Report) -> Found:
        """Return the weight's converted bytes.

        Raises:
            WeightsUnavailable: no location has them; the message has the whole trail.
            EveryCopyCorrupt: there were copies, all with other bytes than published.
        """
        steps: list[Step] = []
        for location in self._locations:
            outcome = self._try(location, weight, report)
            if isinstance(outcome, Source):
                hit = Step(location=location.name, outcome=Outcome.HIT)
                return Found(source=outcome, trail=(*steps, hit))
            step = Step(location=location.name, outcome=outcome.outcome, detail=outcome.detail)
            report("resolving", str(step))
            steps.append(step)
        remedies = self._remedies.text(weight.file_name, weight.url)
        raise failure(weight.reference, steps, remedies=remedies)

    def cached_state(self, weight: WeightEntry) -> str:
        """Return `stored`, `local_file` or `absent`, without reading a file."""
        if self._own.has(weight):
            return "stored"
        others = [place for place in self._locations if place is not self._own]
        looked = (place.look(weight) for place in others)
        return "local_file" if any(isinstance(f, ForeignFile) for f in looked) else "absent"

    def _try(self, location: Location, weight: WeightEntry, report: Report) -> Source | Miss:
        looked = location.look(weight)
        if not isinstance(looked, ForeignFile):
            return looked
        try:
            return self._adopt(looked.path, weight, report)
        except OSError as error:
            return Miss(detail=f"{looked.path}: {error.strerror}", outcome=Outcome.UNREADABLE)

    def _adopt(self, path: Path, weight: WeightEntry, report: Report) -> Source | Miss:
        before = stamp_of(path)
        report("verifying", f"{path}: comparing its sha256 with the published digits")
        proof = self._verification.check(path, _wanted(weight))
        if isinstance(proof, Refutation):
            return Miss(detail=proof.detail, outcome=Outcome.WRONG_DIGEST)
        report("converting", f"{path.name}: reading tensors into canonical names")
        try:
            source = self._convert(path, weight, proof)
        except Precondition as error:
            return Miss(detail=error.message, outcome=Outcome.UNREADABLE)
        if stamp_of(path) != before:
            return Miss(detail=f"{path} changed while it was read", outcome=Outcome.UNREADABLE)
        self._own.remember(weight, source)
        return source

    def _convert(self, path: Path, weight: WeightEntry, proof: Proof) -> Source:
        listing = list_tensors(path)
        canonical = canonical_names(weight.family, [spec.name for spec in listing.tensors])
        staged = self._store.new_staging_path()
        try:
            write_tensors(path, canonical.names, staged)
            blob = self._store.commit_staged(staged)
        finally:
            staged.unlink(missing_ok=True)
        return Source(
            blob_digest=blob.digest,
            source_digest=proof.digest,
            proof=proof.kind,
            rules=canonical.rules,
        )


def _wanted(weight: WeightEntry) -> WantedFile:
    return WantedFile(
        reference=weight.reference,
        file_name=weight.file_name,
        url=weight.url,
        sha256_prefix=weight.sha256_prefix,
    )
