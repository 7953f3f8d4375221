"""InputContract, OutputContract and Lineage: message <-> value."""

from collections.abc import Mapping

from catalog_service.model_wire.plain_struct import known
from catalog_service.models.layout import InputContract, Lineage, OutputContract
from vertebra.model.v1 import contracts_pb2, lineage_pb2

PROOFS: Mapping[str, lineage_pb2.DigestProof] = {
    "": lineage_pb2.DIGEST_PROOF_UNSPECIFIED,
    "full": lineage_pb2.DIGEST_PROOF_FULL,
    "prefix": lineage_pb2.DIGEST_PROOF_PREFIX,
    "first_use": lineage_pb2.DIGEST_PROOF_FIRST_USE,
}
"""How a digest was proven, on the wire."""

_PROOF_NAMES = {number: name for name, number in PROOFS.items()}


def input_to_message(contract: InputContract) -> contracts_pb2.InputContract:
    """Return the message of an input contract."""
    return contracts_pb2.InputContract(
        num_channels=contract.num_channels,
        height_px=contract.height_px,
        width_px=contract.width_px,
        resize_shorter_side_px=contract.resize_shorter_side_px,
        interpolation=contract.interpolation,
        mean=contract.mean,
        std=contract.std,
    )


def input_from_message(message: contracts_pb2.InputContract) -> InputContract:
    """Return the input contract of a message."""
    return InputContract(
        num_channels=message.num_channels,
        height_px=message.height_px,
        width_px=message.width_px,
        resize_shorter_side_px=message.resize_shorter_side_px,
        interpolation=message.interpolation,
        mean=tuple(message.mean),
        std=tuple(message.std),
    )


def output_to_message(contract: OutputContract) -> contracts_pb2.OutputContract:
    """Return the message of an output contract."""
    return contracts_pb2.OutputContract(
        kind=contract.kind, shape=contract.shape, class_names=contract.class_names
    )


def output_from_message(message: contracts_pb2.OutputContract) -> OutputContract:
    """Return the output contract of a message."""
    return OutputContract(
        kind=message.kind, shape=tuple(message.shape), class_names=tuple(message.class_names)
    )


def lineage_to_message(lineage: Lineage) -> lineage_pb2.Lineage:
    """Return the message of a lineage."""
    return lineage_pb2.Lineage(
        parent=lineage.parent,
        parent_backbone_digest=lineage.parent_backbone_digest,
        source_digest=lineage.source_digest,
        source_proof=PROOFS[lineage.source_proof],
        licence=lineage.licence,
        method=lineage.method,
        dataset=lineage.dataset,
        num_images=lineage.num_images,
        num_epochs=lineage.num_epochs,
        train_job=lineage.train_job,
        note=lineage.note,
    )


def lineage_from_message(message: lineage_pb2.Lineage) -> Lineage:
    """Return the lineage of a message.

    Raises:
        InvalidRequest: a kind of proof that this release does not know.
    """
    return Lineage(
        parent=message.parent,
        parent_backbone_digest=message.parent_backbone_digest,
        source_digest=message.source_digest,
        source_proof=known(_PROOF_NAMES, message.source_proof, "source_proof"),
        licence=message.licence,
        method=message.method,
        dataset=message.dataset,
        num_images=message.num_images,
        num_epochs=message.num_epochs,
        train_job=message.train_job,
        note=message.note,
    )
