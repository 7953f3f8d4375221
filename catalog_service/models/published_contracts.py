"""How images become the input of a published weight, from its transform and its own structure.

One function for each kind of transform. torchvision's detectors resize and normalise by themselves,
with numbers that only the model has. Imports torch.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from torchvision.models import WeightsEnum

from catalog_service.models.contracts import InputContract
from catalog_service.models.published import plain_transform
from catalog_service.models.recipe import Recipe
from catalog_service.models.skeleton import skeleton

FLOW_PX = (520, 960)
"""Height and width of torchvision's own example for optical flow; any multiple of 8 runs."""

FLOW_STATISTICS = (0.5, 0.5, 0.5)
"""Mean and std: values from -1 to 1. Source: torchvision's `OpticalFlow` preset."""

_CLIP = re.compile(r"clip_len=(\d+)")


def input_contract(member: WeightsEnum, recipe: Recipe) -> InputContract:
    """Return the input contract of a torchvision weight.

    Args:
        recipe: of its structure: detectors know their own resize.
    """
    transform = plain_transform(member)
    return CONTRACTS[transform["kind"]](transform, member, recipe)


def _classification(
    transform: Mapping[str, Any], member: WeightsEnum, recipe: Recipe
) -> InputContract:
    return InputContract(
        height_px=transform["crop_size"][0],
        width_px=transform["crop_size"][-1],
        resize_shorter_side_px=transform["resize_size"][0],
        interpolation=transform["interpolation"],
        mean=tuple(transform["mean"]),
        std=tuple(transform["std"]),
    )


def _segmentation(
    transform: Mapping[str, Any], member: WeightsEnum, recipe: Recipe
) -> InputContract:
    [size] = transform["resize_size"]
    return InputContract(
        height_px=size,
        width_px=size,
        resize_shorter_side_px=size,
        keeps_whole_image=True,
        interpolation=transform["interpolation"],
        mean=tuple(transform["mean"]),
        std=tuple(transform["std"]),
    )


def _detection(transform: Mapping[str, Any], member: WeightsEnum, recipe: Recipe) -> InputContract:
    """Read the transform inside the model: `GeneralizedRCNNTransform`."""
    own: Any = skeleton(recipe).get_submodule("transform")
    longest = own.max_size
    height, width = own.fixed_size or (longest, longest)
    return InputContract(
        height_px=height,
        width_px=width,
        resize_shorter_side_px=0 if own.fixed_size else own.min_size[-1],
        max_longer_side_px=0 if own.fixed_size else longest,
        is_image_list=True,
        interpolation="bilinear_aliased",
        mean=tuple(own.image_mean),
        std=tuple(own.image_std),
    )


def _video(transform: Mapping[str, Any], member: WeightsEnum, recipe: Recipe) -> InputContract:
    """Read the frames of a clip from the words of the publisher: no field has them."""
    clip = _CLIP.search(member.meta["_docs"])
    assert clip is not None, member
    height, width = (*transform["resize_size"], 0)[:2]
    return InputContract(
        height_px=transform["crop_size"][0],
        width_px=transform["crop_size"][1],
        resize_shorter_side_px=0 if width else height,
        resize_height_px=height if width else 0,
        resize_width_px=width,
        num_frames=int(clip.group(1)),
        interpolation=f"{transform['interpolation']}_aliased",
        mean=tuple(transform["mean"]),
        std=tuple(transform["std"]),
    )


def _flow(transform: Mapping[str, Any], member: WeightsEnum, recipe: Recipe) -> InputContract:
    return InputContract(
        height_px=FLOW_PX[0],
        width_px=FLOW_PX[1],
        keeps_whole_image=True,
        mean=FLOW_STATISTICS,
        std=FLOW_STATISTICS,
    )


CONTRACTS: Mapping[str, Callable[[Mapping[str, Any], WeightsEnum, Recipe], InputContract]] = {
    "ImageClassification": _classification,
    "ObjectDetection": _detection,
    "OpticalFlow": _flow,
    "SemanticSegmentation": _segmentation,
    "VideoClassification": _video,
}
"""Class of the publisher's transform -> its contract."""
