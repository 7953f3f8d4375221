"""Whether what the frozen first part puts out is computed once and kept. Pure.

The worker may still find that it would not be exact, or that it is too large: then it says so.
"""

from catalog_service.models.freeze_plan import FreezePlan
from catalog_service.models.layout import StateLayout
from trainer_service.jobs import FeatureCachePlan, JobSpec
from trainer_service.plan.refusal import refused

UNCACHED_TASKS = {
    "detection": "images of different sizes are padded together",
    "instance_segmentation": "images of different sizes are padded together",
    "keypoints": "images of different sizes are padded together",
    "simclr": "pairs of views are new in every epoch",
}
"""Task -> why nothing is kept."""


def feature_cache_plan(spec: JobSpec, layout: StateLayout, freeze: FreezePlan) -> FeatureCachePlan:
    """Return whether the cache is used, and why.

    Args:
        freeze: of the first phase.

    Raises:
        InvalidRequest: the spec requires it, and there is nothing to keep.
    """
    if spec.feature_cache.policy == "never":
        return FeatureCachePlan(reason="feature_cache.policy is NEVER")
    if obstacle := _obstacle(spec, layout, freeze):
        if spec.feature_cache.policy == "required":
            raise refused("feature_cache.policy", f"REQUIRED, but {obstacle}")
        return FeatureCachePlan(reason=obstacle)
    num_views = spec.feature_cache.num_views if spec.augmentation else 1
    views = f" of {num_views} views of every image" if num_views > 1 else ""
    return FeatureCachePlan(
        is_used=True,
        reason=f"the output{views} of what is frozen is computed once and kept",
        boundary=_boundary(layout, freeze),
        num_views=num_views,
    )


def _obstacle(spec: JobSpec, layout: StateLayout, freeze: FreezePlan) -> str:
    """Return why nothing can be kept, and which setting would change that; empty where it can."""
    if spec.kind in UNCACHED_TASKS:
        return UNCACHED_TASKS[spec.kind]
    if "" in freeze.train_modules or not _first_trained(layout, freeze):
        return (
            f"under {freeze.mode} the model's first stage trains or is in training mode: freeze"
            " frozen_backbone or last_blocks leaves something to keep"
        )
    if spec.augmentation and not spec.feature_cache.num_views:
        return (
            "augmented images differ from epoch to epoch: leave the augmentation out, or set"
            " feature_cache.num_views to keep so many views of every image"
        )
    return ""


def _first_trained(layout: StateLayout, freeze: FreezePlan) -> int:
    """Return how many leading stages have nothing that trains."""
    trained = {row.name for row in freeze.rows if row.num_trainable_parameters}
    names = [stage.name for stage in layout.stages]
    return next((at for at, name in enumerate(names) if name in trained), len(names))


def _boundary(layout: StateLayout, freeze: FreezePlan) -> tuple[str, ...]:
    """Return the modules of the first stage that trains; without one those of neck and head."""
    at = _first_trained(layout, freeze)
    if at < len(layout.stages):
        return layout.stages[at].modules
    return layout.neck_modules or layout.head_modules
