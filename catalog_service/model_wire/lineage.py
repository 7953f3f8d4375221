"""Lineage: message <-> value."""

from collections.abc import Mapping
from dataclasses import fields

from catalog_service.model_wire.plain_struct import known
from catalog_service.models.lineage import Lineage, ResultRow
from vertebra.model.v1 import lineage_pb2

PROOFS: Mapping[str, lineage_pb2.DigestProof] = {
    "": lineage_pb2.DIGEST_PROOF_UNSPECIFIED,
    "full": lineage_pb2.DIGEST_PROOF_FULL,
    "prefix": lineage_pb2.DIGEST_PROOF_PREFIX,
    "first_use": lineage_pb2.DIGEST_PROOF_FIRST_USE,
}
"""How a digest was proven, on the wire."""

_PROOF_NAMES = {number: name for name, number in PROOFS.items()}

_OWN = {"source_proof", "augmentations", "results"}
_SAME = tuple(field.name for field in fields(Lineage) if field.name not in _OWN)
"""Fields that are the same on both sides."""


def lineage_to_message(lineage: Lineage) -> lineage_pb2.Lineage:
    """Return the message of a lineage."""
    return lineage_pb2.Lineage(
        **{name: getattr(lineage, name) for name in _SAME},
        source_proof=PROOFS[lineage.source_proof],
        augmentations=lineage.augmentations,
        results=[
            lineage_pb2.ResultRow(setting=row.setting, metrics=row.metrics)
            for row in lineage.results
        ],
    )


def lineage_from_message(message: lineage_pb2.Lineage) -> Lineage:
    """Return the lineage of a message.

    Raises:
        InvalidRequest: a kind of proof that this release does not know.
    """
    return Lineage(
        **{name: getattr(message, name) for name in _SAME},
        source_proof=known(_PROOF_NAMES, message.source_proof, "source_proof"),
        augmentations=tuple(message.augmentations),
        results=tuple(
            ResultRow(setting=row.setting, metrics=dict(row.metrics)) for row in message.results
        ),
    )
