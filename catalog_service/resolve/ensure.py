"""Bringing a weight or a checkpoint into the store."""

from dataclasses import dataclass

from catalog_service.blobs.store import BlobInfo, BlobStore
from catalog_service.checkpoints.checkpoint import Checkpoint
from catalog_service.index.entries import WeightEntry
from catalog_service.weights.search import Found
from catalog_service.weights.trail import Outcome, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Ensured:
    """Numbers in the store.

    Attributes:
        blob: safetensors under canonical names; the published file itself for quantized weights.
        source_digest: `sha256:<hex>` of the published file.
        source_proof: `full`, `prefix` or `first_use`.
        trail: all locations tried, the hit last.
        ignored: objects beside the tensors that were not taken, as `name (kind)`.
        non_finite: tensors with NaN or infinite numbers.
    """

    reference: str
    architecture_id: str
    blob: BlobInfo
    source_digest: str
    source_proof: str
    rules: tuple[str, ...]
    trail: tuple[Step, ...]
    licence: str
    ignored: tuple[str, ...] = ()
    non_finite: tuple[str, ...] = ()


def ensured_weight(weight: WeightEntry, found: Found, store: BlobStore) -> Ensured:
    """Return what a search has found."""
    source = found.source
    return Ensured(
        reference=weight.reference,
        architecture_id=weight.architecture_id,
        blob=store.info(source.blob_digest),
        source_digest=source.source_digest,
        source_proof=source.proof,
        rules=source.rules,
        trail=found.trail,
        licence=weight.licence,
        ignored=source.ignored,
        non_finite=source.non_finite,
    )


def ensured_checkpoint(
    checkpoint: Checkpoint, store: BlobStore, fetched: tuple[Step, ...] = ()
) -> Ensured:
    """Return a registered backbone, whose bytes are in the store.

    Args:
        fetched: the trail, where they were brought in just now.

    Raises:
        BlobNotFound: they are not.
        DigestMismatch: they changed; they are in quarantine now.
    """
    return Ensured(
        reference=checkpoint.name,
        architecture_id=checkpoint.architecture_id,
        blob=store.ensure_intact(checkpoint.blob_digest),
        source_digest=checkpoint.lineage.source_digest,
        source_proof=checkpoint.lineage.source_proof,
        rules=checkpoint.load_report.rules,
        trail=fetched or (Step(location="store", outcome=Outcome.HIT),),
        licence=checkpoint.lineage.licence,
    )
