"""ArchitectureEntry -> message, and what can be filtered and ordered by."""

from collections.abc import Mapping

from catalog_service.index.entries import ArchitectureEntry
from catalog_service.serving.listing import Field, Listing
from vertebra.catalog.v1 import architecture_service_pb2 as pb

TASKS: Mapping[str, pb.Task] = {
    "classification": pb.TASK_CLASSIFICATION,
    "detection": pb.TASK_DETECTION,
    "instance_segmentation": pb.TASK_INSTANCE_SEGMENTATION,
    "keypoints": pb.TASK_KEYPOINTS,
    "segmentation": pb.TASK_SEGMENTATION,
    "video": pb.TASK_VIDEO,
    "optical_flow": pb.TASK_OPTICAL_FLOW,
}
"""The index's words on the wire."""

ARCHITECTURES: Listing[ArchitectureEntry] = Listing(
    [
        Field(name="architecture_id", get=lambda entry: entry.architecture_id),
        Field(name="family", get=lambda entry: entry.family),
        Field(name="task", get=lambda entry: entry.task),
        Field(name="num_parameters", get=lambda entry: entry.num_parameters, kind="number"),
        Field(name="gflops", get=lambda entry: entry.gflops, kind="number"),
        Field(name="min_image_px", get=lambda entry: entry.min_image_px, kind="number"),
        Field(name="default_image_px", get=lambda entry: entry.default_image_px, kind="number"),
        Field(name="licences", get=lambda entry: entry.licences, kind="texts"),
        Field(name="is_buildable", get=lambda entry: entry.is_buildable, kind="boolean"),
        Field(name="is_quantized", get=lambda entry: entry.is_quantized, kind="boolean"),
    ],
    default_order="architecture_id",
)
"""As ListArchitecturesRequest documents."""


def architecture_message(entry: ArchitectureEntry) -> pb.Architecture:
    """Return an architecture as the contract has it."""
    return pb.Architecture(
        name=f"architectures/{entry.architecture_id}",
        architecture_id=entry.architecture_id,
        family=entry.family,
        task=TASKS[entry.task],
        num_parameters=entry.num_parameters,
        gflops=entry.gflops,
        num_features=entry.num_features,
        weights=[f"weights/{reference}" for reference in entry.weights],
        default_weights=f"weights/{entry.default_weights}" if entry.default_weights else "",
        min_image_px=entry.min_image_px,
        default_image_px=entry.default_image_px,
        is_buildable=entry.is_buildable,
        float_twin=entry.float_twin,
        library=entry.library,
        licences=entry.licences,
    )
