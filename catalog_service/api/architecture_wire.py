"""ArchitectureEntry -> message, and what can be filtered and ordered by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from catalog_service.index.entries import ArchitectureEntry, Metric
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
    "features": pb.TASK_FEATURES,
}
"""The index's words on the wire."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """An architecture, and what its row in the index does not say."""

    entry: ArchitectureEntry
    metric: Metric | None
    """The first published one of its default weights."""

    is_cached: Callable[[], bool]
    """Looks at local folders, so only where somebody asks."""


ARCHITECTURES: Listing[Listed] = Listing(
    [
        Field(name="architecture_id", get=lambda one: one.entry.architecture_id),
        Field(name="family", get=lambda one: one.entry.family),
        Field(name="task", get=lambda one: one.entry.task),
        Field(name="num_parameters", get=lambda one: one.entry.num_parameters, kind="number"),
        Field(name="gflops", get=lambda one: one.entry.gflops, kind="number"),
        Field(name="min_image_px", get=lambda one: one.entry.min_image_px, kind="number"),
        Field(name="default_image_px", get=lambda one: one.entry.default_image_px, kind="number"),
        Field(name="licences", get=lambda one: one.entry.licences, kind="texts"),
        Field(name="is_buildable", get=lambda one: one.entry.is_buildable, kind="boolean"),
        Field(name="is_quantized", get=lambda one: one.entry.is_quantized, kind="boolean"),
        Field(name="is_cached", get=lambda one: one.is_cached(), kind="boolean"),
        Field(
            name="metric", get=lambda one: one.metric.value if one.metric else None, kind="number"
        ),
        Field(name="backbone_architecture", get=lambda one: one.entry.backbone_architecture),
    ],
    default_order="architecture_id",
)
"""As ListArchitecturesRequest documents."""


def architecture_message(one: Listed) -> pb.Architecture:
    """Return an architecture as the contract has it."""
    entry, metric = one.entry, one.metric or Metric(dataset="", name="", value=0.0)
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
        metric_name=metric.name,
        metric_dataset=metric.dataset,
        metric_value=metric.value,
        is_cached=one.is_cached(),
        backbone_architecture=entry.backbone_architecture,
        feature_maps=[
            pb.FeatureMap(name=each.name, stride_px=each.stride_px, num_channels=each.num_channels)
            for each in entry.feature_maps
        ],
    )
