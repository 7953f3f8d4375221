"""Numbers by name: weights of the index, other repositories of the hub, registered checkpoints.

Says what names mean, brings the numbers in, and tells where they would come from.
"""

from collections.abc import Callable
from dataclasses import dataclass

from catalog_service.blobs.store import BlobInfo, BlobStore
from catalog_service.checkpoints.checkpoint import Checkpoint
from catalog_service.checkpoints.registry import Registry
from catalog_service.errors import invalid
from catalog_service.index.catalog_index import CatalogIndex, WeightsNotFound
from catalog_service.index.entries import WeightEntry
from catalog_service.models.spec import ModelSpec
from catalog_service.resolve.ensure import Ensured, ensured_checkpoint, ensured_weight
from catalog_service.resolve.explain import Explanation, explain_checkpoint, explain_weight
from catalog_service.resolve.single_flight import SingleFlight
from catalog_service.weights.hub_entries import HubEntries
from catalog_service.weights.progress import Tell, say
from catalog_service.weights.references import check_reference, is_checkpoint, is_repository
from catalog_service.weights.registered_files import RegisteredFiles, ServedFile
from catalog_service.weights.remedies import checkpoint_remedies
from catalog_service.weights.search import Found, Search
from catalog_service.weights.sources.repository import repository_of
from catalog_service.weights.trail import Step

Complete = Callable[[Checkpoint, BlobInfo], Checkpoint]
"""Fits a fetched file to an entry without bytes and lists it with them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """Finds numbers, once for all who ask at the same time."""

    index: CatalogIndex
    hub: HubEntries
    store: BlobStore
    registry: Registry
    search: Search
    registered_files: RegisteredFiles
    complete: Complete
    flights: SingleFlight

    def canonical_reference(self, name: str) -> str:
        """Return the one spelling of a weight or checkpoint that stands for all of them.

        Args:
            name: any spelling; without a network.

        Raises:
            InvalidRequest: it is no reference, field `name`; an id that the hub never had.
            WeightsNotFound, CheckpointNotFound: with the nearest names.
        """
        violations = check_reference(name, field="name")
        if violations:
            raise invalid(violations)
        if is_checkpoint(name):
            return self.registry.get(name).name
        try:
            return self.index.weight(name).reference
        except WeightsNotFound:
            if not is_repository(name):
                raise
            return repository_of(name.removeprefix("weights/")).reference

    def index_for(self, spec: ModelSpec, tell: Tell) -> CatalogIndex:
        """Return the index, with the entries of repositories that a spec names."""
        index = self.index
        for name in {spec.architecture_id, spec.weights}:
            if is_repository(name) and not check_reference(name, field="weights"):
                reference = self.canonical_reference(name)
                index = index.with_weight(reference, self.entry(reference, tell))
        return index

    def entry(self, reference: str, tell: Tell) -> WeightEntry:
        """Return the entry of a weight by its canonical reference; a repository may be asked."""
        return (
            self.hub.entry(reference, tell)
            if is_repository(reference)
            else self.index.weight(reference)
        )

    def ensure(self, reference: str, tell: Tell) -> Ensured:
        """Bring a weight or a checkpoint into the store; see `Catalog.ensure`."""
        name = self.canonical_reference(reference)
        if is_checkpoint(name):
            checkpoint, trail = self._checkpoint(self.registry.get(name), tell)
            return ensured_checkpoint(checkpoint, self.store, trail)
        weight = self.entry(name, tell)
        return ensured_weight(weight, self.weight(weight, tell), self.store)

    def explain(self, reference: str, *, probe: bool) -> Explanation:
        """Return where bytes would come from; see `Catalog.explain`."""
        name = self.canonical_reference(reference)
        if is_checkpoint(name):
            checkpoint = self.registry.get(name)
            steps = self.registered_files.look(_served(checkpoint))
            return explain_checkpoint(checkpoint, self.store, steps)
        weight = self.hub.at_hand(name) if is_repository(name) else self.index.weight(name)
        return explain_weight(weight, self.search, probe=probe)

    def weight(self, weight: WeightEntry, tell: Tell) -> Found:
        """Return a published weight's bytes."""
        say(tell, "resolving", f"looking for {weight.file_name}")
        return self.flights.told(
            f"weights {weight.reference}",
            lambda tell_all: self.search.find(weight, tell_all),
            tell,
            joined="joined another caller's search",
        )

    def checkpoint(self, checkpoint: Checkpoint, tell: Tell) -> Checkpoint:
        """Return a registered backbone with its bytes in the store.

        Raises:
            BlobNotFound, DigestMismatch: they were there, and are gone or changed.
            WeightsUnavailable, ...: an entry without bytes whose origins do not give them.
        """
        found, _ = self._checkpoint(checkpoint, tell)
        self.store.ensure_intact(found.blob_digest)
        return found

    def _checkpoint(
        self, checkpoint: Checkpoint, tell: Tell
    ) -> tuple[Checkpoint, tuple[Step, ...]]:
        if checkpoint.has_bytes:
            return checkpoint, ()
        return self.flights.told(
            f"checkpoint {checkpoint.checkpoint_id}",
            lambda tell_all: self._fetch(checkpoint, tell_all),
            tell,
            joined="joined another caller's transfer",
        )

    def _fetch(self, checkpoint: Checkpoint, tell: Tell) -> tuple[Checkpoint, tuple[Step, ...]]:
        now = self.registry.get(checkpoint.name)
        if now.has_bytes:  # another caller has completed it
            return now, ()
        remedies = checkpoint_remedies(now.name, now.remedies)
        with self.registered_files.fetched(_served(now), remedies, tell) as (copy, trail):
            say(tell, "converting", f"fitting it to {now.architecture_id}")
            blob = self.store.adopt_file(copy.path, expected_digest=now.lineage.source_digest)
            return self.complete(now, blob), trail


def _served(checkpoint: Checkpoint) -> ServedFile:
    return ServedFile(
        reference=checkpoint.name,
        urls=checkpoint.remedies.origin_urls,
        sha256=checkpoint.lineage.source_digest.removeprefix("sha256:"),
    )
