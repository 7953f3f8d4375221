"""WeightEntry -> message, and what can be filtered and ordered by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from catalog_service.api.architecture_wire import TASKS
from catalog_service.index.entries import WeightEntry
from catalog_service.model_wire import input_to_message, struct_of
from catalog_service.serving.listing import Field, Listing
from vertebra.catalog.v1 import weights_service_pb2 as pb

CACHED_STATES: Mapping[str, pb.CachedState] = {
    "absent": pb.CACHED_STATE_ABSENT,
    "local_file": pb.CACHED_STATE_LOCAL_FILE,
    "stored": pb.CACHED_STATE_STORED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A weight, and what its row in the index does not say."""

    entry: WeightEntry
    cached_state: Callable[[], str]
    """Looks at local folders, so only where somebody asks."""


WEIGHTS: Listing[Listed] = Listing(
    [
        Field(name="reference", get=lambda one: one.entry.reference),
        Field(name="architecture_id", get=lambda one: one.entry.architecture_id),
        Field(name="family", get=lambda one: one.entry.family),
        Field(name="task", get=lambda one: one.entry.task),
        Field(name="num_parameters", get=lambda one: one.entry.num_parameters, kind="number"),
        Field(name="gflops", get=lambda one: one.entry.gflops, kind="number"),
        Field(name="size_bytes", get=lambda one: one.entry.size_bytes, kind="number"),
        Field(name="licence", get=lambda one: one.entry.licence),
        Field(name="is_default", get=lambda one: one.entry.is_default, kind="boolean"),
        Field(name="is_gated", get=lambda one: one.entry.is_gated, kind="boolean"),
        Field(name="is_cached", get=lambda one: one.cached_state() != "absent", kind="boolean"),
        Field(name="metric", get=lambda one: _first_metric(one.entry), kind="number"),
    ],
    default_order="reference",
)
"""As ListWeightsRequest documents."""


def weights_message(one: Listed, *, with_categories: bool = False) -> pb.Weights:
    """Return a weight as the contract has it; the class names only where they are asked for."""
    entry = one.entry
    return pb.Weights(
        name=f"weights/{entry.reference}",
        reference=entry.reference,
        architecture_id=entry.architecture_id,
        task=TASKS[entry.task],
        is_default=entry.is_default,
        url=entry.url,
        file_name=entry.file_name,
        sha256_prefix=entry.sha256_prefix,
        size_bytes=entry.size_bytes,
        num_parameters=entry.num_parameters,
        gflops=entry.gflops,
        num_categories=len(entry.categories),
        metrics=[
            pb.Metric(dataset=metric.dataset, name=metric.name, value=metric.value)
            for metric in entry.metrics
        ],
        recipe_url=entry.recipe_url,
        licence=entry.licence,
        description=entry.description,
        min_image_height_px=entry.min_image_height_px,
        min_image_width_px=entry.min_image_width_px,
        preprocessing=input_to_message(entry.preprocessing),
        transform=struct_of(entry.transform),
        recipe=struct_of(entry.arguments),
        cached_state=CACHED_STATES[one.cached_state()],
        categories=entry.categories if with_categories else (),
        is_gated=entry.is_gated,
    )


def _first_metric(entry: WeightEntry) -> float | None:
    return entry.metrics[0].value if entry.metrics else None
