"""Recipes of composed models that are small enough to compute with, for every task."""

from collections.abc import Mapping
from typing import Any

from catalog_service.models.compositions import InputFacts, compose_recipe
from catalog_service.models.families.table import family_of
from catalog_service.models.recipe import Recipe
from catalog_service.models.tasks import (
    ClassificationTask,
    DetectionTask,
    FeaturesTask,
    InstanceSegmentationTask,
    KeypointsTask,
    RegressionTask,
    SegmentationTask,
    Task,
)

SEGMENTERS: Mapping[str, Task] = {
    head: SegmentationTask(num_classes=3, head=head) for head in ("fcn", "deeplabv3", "lraspp")
}

DETECTORS: Mapping[str, Task] = {
    "faster_rcnn": DetectionTask(num_classes=4),
    "retinanet": DetectionTask(num_classes=4, head="retinanet"),
    "fcos": DetectionTask(num_classes=4, head="fcos"),
    "mask_rcnn": InstanceSegmentationTask(num_classes=4),
    "keypoint_rcnn": KeypointsTask(num_keypoints=3, class_names=("a", "b", "c", "d")),
}

TASKS: Mapping[tuple[str, str], Task] = {
    ("classification", "linear"): ClassificationTask(num_classes=4),
    ("regression", "linear"): RegressionTask(num_targets=2),
    ("features", "pooled"): FeaturesTask(),
    ("features", "pyramid"): FeaturesTask(output="pyramid"),
    **{(task.kind, head): task for head, task in {**SEGMENTERS, **DETECTORS}.items()},
}
"""Task and head, as compositions have them -> a task of a few classes."""

SOURCES = {"dinov3_vits16": "transformers", "dinov3_convnext_tiny": "transformers"}

TINY: dict[str, Mapping[str, Any]] = {
    "dinov3_vits16": family_of("dinov3_vits16").tiny_arguments,
    "dinov3_convnext_tiny": family_of("dinov3_convnext_tiny").tiny_arguments,
    "vit_b_16": {"image_size": 64},
    "googlenet": {"init_weights": False},  # None is torchvision's default, and warns
}
"""Builder arguments that make a backbone small enough to train a step in a second."""


def recipe_of(
    backbone: str, task: Task, neck: str = "", *, in_channels: int = 3, aux_heads: str = ""
) -> Recipe:
    """Return the recipe that puts a task's head on a small variant of a backbone."""
    sides = (64, 64) if backbone == "vit_b_16" else ()
    facts = InputFacts(
        mean=(0.5,) * in_channels,
        std=(0.25,) * in_channels,
        min_size_px=64,
        max_size_px=96,
        fixed_size_px=sides,
    )
    choice = compose_recipe(backbone, task, neck, facts, aux_heads=aux_heads)
    source = SOURCES.get(backbone, "torchvision")
    stem = None if in_channels == 3 else {"in_channels": in_channels, "adaptation": "random"}
    return Recipe(
        builder=f"{source}/{backbone}",
        arguments=TINY.get(backbone, {}),
        head=choice.head,
        neck=choice.neck,
        stem=stem,
    )


def thrifty(model: Any) -> Any:
    """Return a detector that looks at few regions: enough to see it work, quickly."""
    if hasattr(model, "roi_heads"):
        model.roi_heads.detections_per_img = 8
        model.roi_heads.fg_bg_sampler.batch_size_per_image = 8
    return model
