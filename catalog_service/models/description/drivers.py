"""How a model is run without numbers: one driver for each way that a model takes its input.

Most models take a batch of images. Detectors choose boxes by their scores, which nobody knows
without numbers: their parts are run one after the other, with as many boxes as they choose at most.
Imports torch.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.detection.fcos import FCOS
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN
from torchvision.models.detection.retinanet import RetinaNet
from torchvision.models.detection.ssd import SSD
from torchvision.models.optical_flow import RAFT


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """How models of one kind are run."""

    kinds: tuple[type[nn.Module], ...]
    run: Callable[[Any, Tensor], object]
    """Takes the model and images, [B, C, H, W] or [B, C, T, H, W]; runs it in its own modes."""

    assumptions: Callable[[Any, Tensor], tuple[str, ...]]
    """Takes the same; returns a line for each thing that was assumed."""

    seen_px: Callable[[Any, Tensor], tuple[int, int]]
    """Takes the same; returns height and width of the image that the backbone sees."""


def driver_of(model: nn.Module) -> Driver:
    """Return the first driver whose kinds `model` is of."""
    return next(driver for driver in DRIVERS if isinstance(model, driver.kinds))


def resized(transform: Any, height_px: int, width_px: int) -> tuple[int, int]:
    """Return the height and width that a detector's own transform gives an image.

    Source: torchvision.models.detection.transform, `_resize_image_and_masks` and `batch_images`.
    """
    if transform.fixed_size is not None:
        width, height = transform.fixed_size
    else:
        scale = min(
            transform.min_size[-1] / min(height_px, width_px),
            transform.max_size / max(height_px, width_px),
        )
        height, width = int(height_px * scale), int(width_px * scale)
    step = transform.size_divisible
    return math.ceil(height / step) * step, math.ceil(width / step) * step


def _run_images(model: nn.Module, images: Tensor) -> object:
    return model(images)


def _run_pairs(model: nn.Module, images: Tensor) -> object:
    return model(images, images)


def _run_one_stage(model: Any, images: Tensor) -> object:
    return model.head(_features(model, images))


def _run_two_stages(model: Any, images: Tensor) -> object:
    features = _features(model, images)
    model.rpn.head(features)
    heads, counts = model.roi_heads, _box_counts(model)
    outputs = [_run_boxes(heads, features, counts.boxes * len(images))]
    for kind in ("mask", "keypoint"):
        pool = getattr(heads, f"{kind}_roi_pool", None)
        if pool is not None:
            regions = _regions(pool, features, counts.objects * len(images))
            seen = getattr(heads, f"{kind}_head")(regions)
            outputs.append(getattr(heads, f"{kind}_predictor")(seen))
    return outputs


def _run_boxes(heads: Any, features: Sequence[Tensor], num_boxes: int) -> object:
    seen = heads.box_head(_regions(heads.box_roi_pool, features, num_boxes))
    return heads.box_predictor(seen)


def _features(model: Any, images: Tensor) -> list[Tensor]:
    height, width = _as_resized(model, images)
    batch = images.new_empty((*images.shape[:2], height, width))
    features = model.backbone(batch)
    return [features] if isinstance(features, Tensor) else list(features.values())


def _regions(pool: Any, features: Sequence[Tensor], count: int) -> Tensor:
    """Return what region pooling gives for `count` boxes: [count, C, h, w].

    It trains what lies before it, so it needs a gradient where the features do.
    """
    size = pool.output_size
    height, width = (size, size) if isinstance(size, int) else size
    regions = features[0].new_empty((count, features[0].shape[1], height, width))
    needs = torch.is_grad_enabled() and any(feature.requires_grad for feature in features)
    return regions.requires_grad_(needs)


@dataclass(frozen=True, slots=True, kw_only=True)
class _BoxCounts:
    """Of one image."""

    boxes: int
    """Which the box head looks at."""

    objects: int
    """Which the mask and keypoint heads look at."""


def _box_counts(model: Any) -> _BoxCounts:
    """Return the most that the model looks at. Source: torchvision's RoIHeads."""
    heads = model.roi_heads
    if not heads.training:
        return _BoxCounts(boxes=model.rpn.post_nms_top_n(), objects=heads.detections_per_img)
    sampler = heads.fg_bg_sampler
    positive = int(sampler.batch_size_per_image * sampler.positive_fraction)
    return _BoxCounts(boxes=sampler.batch_size_per_image, objects=positive)


def _as_given(model: nn.Module, images: Tensor) -> tuple[int, int]:
    height, width = images.shape[-2:]
    return height, width


def _as_resized(model: Any, images: Tensor) -> tuple[int, int]:
    return resized(model.transform, *images.shape[-2:])


def _no_assumptions(model: nn.Module, images: Tensor) -> tuple[str, ...]:
    return ()


def _pair_assumptions(model: nn.Module, images: Tensor) -> tuple[str, ...]:
    return (
        "a pair of images counts as one image; the flow is refined 12 times, and comparing the two "
        "images belongs to no part",
    )


def _size_assumption(model: Any, images: Tensor) -> tuple[str, ...]:
    height, width = images.shape[-2:]
    new_height, new_width = _as_resized(model, images)
    return (
        f"the model resizes a {height}x{width} image to {new_height}x{new_width} itself; "
        "choosing boxes and suppressing doubles is not counted",
    )


def _two_stage_assumptions(model: Any, images: Tensor) -> tuple[str, ...]:
    sampler = model.roi_heads.fg_bg_sampler
    return (
        *_size_assumption(model, images),
        f"in evaluation the box head looks at {model.rpn._post_nms_top_n['testing']} boxes of an "
        f"image, and mask and keypoint heads at {model.roi_heads.detections_per_img}: the most "
        "that there can be",
        f"in training the heads look at {sampler.batch_size_per_image} boxes of an image, "
        f"{sampler.positive_fraction:.0%} of them objects",
    )


DRIVERS = (
    Driver(
        kinds=(GeneralizedRCNN,),
        run=_run_two_stages,
        assumptions=_two_stage_assumptions,
        seen_px=_as_resized,
    ),
    Driver(
        kinds=(RetinaNet, FCOS, SSD),
        run=_run_one_stage,
        assumptions=_size_assumption,
        seen_px=_as_resized,
    ),
    Driver(kinds=(RAFT,), run=_run_pairs, assumptions=_pair_assumptions, seen_px=_as_given),
    Driver(kinds=(nn.Module,), run=_run_images, assumptions=_no_assumptions, seen_px=_as_given),
)
"""The first that fits is taken. A new kind of model is one line before the last."""
