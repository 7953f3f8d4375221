"""Saying where bytes would come from, without fetching any."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from catalog_service.blobs.store import BlobStore
from catalog_service.checkpoints.checkpoint import Checkpoint
from catalog_service.index.entries import WeightEntry
from catalog_service.weights.remedies import checkpoint_remedies
from catalog_service.weights.search import Search
from catalog_service.weights.trail import Outcome, Remedy, Step

Availability = Literal["stored", "local", "remote", "none"]

OWN_STORE = "store"
"""How the trail calls our own store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Where bytes would come from.

    Attributes:
        steps: what every location says, in the order in which they are tried.
        availability: what bringing them in would use now.
        size_bytes: as published, or of the blob; 0 where nobody says.
        expected_digest: `sha256:<hex>` or its known beginning; empty where nothing can be compared.
        expected_proof: what is behind it: `full`, `prefix`, `first_use`, or empty.
    """

    reference: str
    steps: tuple[Step, ...]
    availability: Availability
    size_bytes: int
    expected_digest: str
    expected_proof: str
    licence: str
    is_gated: bool
    remedies: tuple[Remedy, ...]


def explain_weight(weight: WeightEntry, search: Search, *, probe: bool) -> Explanation:
    """Return where a published weight's bytes would come from."""
    steps = search.look(weight, probe=probe)
    file = search.wanted(weight)
    known = file.sha256 or file.sha256_prefix
    return Explanation(
        reference=weight.reference,
        steps=steps,
        availability=availability(steps),
        size_bytes=file.size_bytes or weight.size_bytes,
        expected_digest=f"sha256:{known}" if known else "",
        expected_proof=search.expected_proof(weight),
        licence=weight.licence,
        is_gated=weight.is_gated,
        remedies=search.remedies(weight),
    )


def explain_checkpoint(
    checkpoint: Checkpoint, store: BlobStore, origins: tuple[Step, ...]
) -> Explanation:
    """Return whether a registered backbone's bytes are in the store, or where they would be asked.

    Args:
        origins: what would become of each URL of the entry.
    """
    is_here = checkpoint.has_bytes and store.find(checkpoint.blob_digest) is not None
    own = Step(location=OWN_STORE, outcome=Outcome.HIT if is_here else Outcome.ABSENT)
    steps = (own, *origins) if not checkpoint.has_bytes else (own,)
    return Explanation(
        reference=checkpoint.name,
        steps=steps,
        availability=availability(steps),
        size_bytes=checkpoint.blob_size_bytes,
        expected_digest=checkpoint.blob_digest or checkpoint.lineage.source_digest,
        expected_proof="full" if checkpoint.blob_digest or checkpoint.lineage.source_digest else "",
        licence=checkpoint.lineage.licence,
        is_gated=False,
        remedies=checkpoint_remedies(checkpoint.name, checkpoint.remedies),
    )


def availability(steps: Sequence[Step]) -> Availability:
    """Return what the first hit is, or whether a place that was not asked may have the bytes.

    Remote places are those whose place is a URL.
    """
    for step in steps:
        is_remote = "://" in step.place
        if step.outcome is Outcome.NOT_ASKED or (step.outcome is Outcome.HIT and is_remote):
            return "remote"
        if step.outcome is Outcome.HIT:
            return "stored" if step.location == OWN_STORE else "local"
    return "none"
