"""One thing in a bundle: a weight or a checkpoint, planned, and with its numbers."""

from dataclasses import dataclass

from catalog_service.blobs.blob import BlobInfo
from catalog_service.index.entries import WeightEntry
from catalog_service.resolve.bundles.manifest import CheckpointNumbers, WeightNumbers
from catalog_service.resolve.ensure import Ensured
from catalog_service.resolve.supply import Supply
from catalog_service.weights.progress import Tell, ignore
from catalog_service.weights.references import is_checkpoint, is_repository
from catalog_service.weights.trail import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedItem:
    """What would go into a bundle.

    Attributes:
        blob_digest: empty for what is not in the store yet.
        size_bytes: of the blob, or as published.
        availability: `stored`, `local`, `remote` or `none`.
        pinned_file: a published file name that only one content can have; empty for others.
    """

    reference: str
    architecture_id: str
    blob_digest: str
    size_bytes: int
    url: str
    licence: str
    is_gated: bool
    availability: str
    trail: tuple[Step, ...]
    pinned_file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleItem:
    """What goes into a bundle; its blob is in the store."""

    numbers: WeightNumbers | CheckpointNumbers
    blob: BlobInfo
    url: str
    source_digest: str
    source_proof: str

    @property
    def reference(self) -> str:
        """Its canonical reference."""
        return self.numbers.reference

    @property
    def licence(self) -> str:
        """Its terms."""
        return self.numbers.licence


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """Makes entries of bundles."""

    supply: Supply

    def planned(self, reference: str) -> PlannedItem:
        """Return what is known without fetching anything.

        Args:
            reference: canonical.
        """
        explained = self.supply.explain(reference, probe=False)
        is_stored = explained.availability == "stored"
        stored = self.supply.ensure(reference, ignore) if is_stored else None
        pinned_file = ""
        if is_checkpoint(reference):
            entry = self.supply.registry.get(reference)
            architecture, url = entry.architecture_id, next(iter(entry.remedies.origin_urls), "")
        else:
            weight = self._at_hand(reference)
            architecture, url = weight.architecture_id, weight.url
            pinned_file = weight.file_name if weight.sha256_prefix else ""
        return PlannedItem(
            reference=reference,
            architecture_id=architecture,
            blob_digest=stored.blob.digest if stored else "",
            size_bytes=stored.blob.size_bytes if stored else explained.size_bytes,
            url=url,
            licence=explained.licence,
            is_gated=explained.is_gated,
            availability=explained.availability,
            trail=() if is_stored else explained.steps,
            pinned_file=pinned_file,
        )

    def brought_in(self, reference: str, tell: Tell) -> BundleItem:
        """Return an item with its numbers in the store.

        Raises:
            VertebraError: as EnsureWeights' comment lists.
        """
        ensured = self.supply.ensure(reference, tell)
        if is_checkpoint(reference):
            return self._checkpoint(ensured)
        weight = self.supply.entry(reference, tell)
        numbers = WeightNumbers(
            reference=ensured.reference,
            architecture_id=ensured.architecture_id,
            file_name=weight.file_name,
            url=weight.url,
            licence=ensured.licence,
            blob_digest=ensured.blob.digest,
            size_bytes=ensured.blob.size_bytes,
            source_digest=ensured.source_digest,
            proof=ensured.source_proof,
            rules=ensured.rules,
            ignored=ensured.ignored,
            non_finite=ensured.non_finite,
            asked=(reference,) if reference != ensured.reference else (),
            repository=self.supply.hub.record(reference) if is_repository(reference) else {},
        )
        return _item(numbers, ensured, weight.url)

    def _at_hand(self, reference: str) -> WeightEntry:
        """Return what is known of a weight without asking anybody."""
        if is_repository(reference):
            return self.supply.hub.at_hand(reference)
        return self.supply.index.weight(reference)

    def _checkpoint(self, ensured: Ensured) -> BundleItem:
        entry = self.supply.registry.get(ensured.reference)
        numbers = CheckpointNumbers(
            reference=entry.name,
            architecture_id=entry.architecture_id,
            licence=entry.lineage.licence,
            blob_digest=entry.blob_digest,
            size_bytes=entry.blob_size_bytes,
            entry=entry,
        )
        return _item(numbers, ensured, next(iter(entry.remedies.origin_urls), ""))


def _item(numbers: WeightNumbers | CheckpointNumbers, ensured: Ensured, url: str) -> BundleItem:
    return BundleItem(
        numbers=numbers,
        blob=ensured.blob,
        url=url,
        source_digest=ensured.source_digest,
        source_proof=ensured.source_proof,
    )
