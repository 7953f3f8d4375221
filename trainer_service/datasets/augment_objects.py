"""Boxes, masks and key points move along with their image; what is no longer seen is left out."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from trainer_service.datasets.augment_chance import Floats
from trainer_service.datasets.augment_geometry import Indices, Warp, gathered, moved_points, turns
from trainer_service.datasets.batch import ObjectTargets

MIN_SIDE_PX = 1.0
"""Objects of which less is left are gone. Source: torchvision's SanitizeBoundingBoxes."""


def moved_objects(
    objects: ObjectTargets, warp: Warp, size: tuple[int, int], mirrored_points: Indices
) -> ObjectTargets:
    """Return the objects of one image after its warp.

    Args:
        size: height and width of the image, before and after.
        mirrored_points: order of the key points of a mirrored image; empty keeps it.
    """
    moved = dict(objects)
    moved["boxes"] = _boxes(objects["boxes"], warp, size)
    if "masks" in objects:
        moved["masks"] = _masks(objects["masks"], warp)
        if turns(warp):
            # The box about a turned box is larger than the object in it.
            moved["boxes"] = _bounds(moved["masks"])
    if "keypoints" in objects:
        moved["keypoints"] = _keypoints(objects["keypoints"], warp, size, mirrored_points)
    return _still_seen(moved)


def _boxes(boxes: Tensor, warp: Warp, size: tuple[int, int]) -> Tensor:
    """Return the upright boxes about the moved ones, cut at the image's edges."""
    height, width = size
    corners = boxes.double().numpy()[:, [[0, 1], [2, 1], [0, 3], [2, 3]]]  # [N, 4, 2]
    moved = moved_points(corners.reshape(-1, 2), warp).reshape(-1, 4, 2)
    lowest, highest = (
        np.clip(edge, 0, (width, height)) for edge in (moved.min(axis=1), moved.max(axis=1))
    )
    return torch.from_numpy(np.concatenate([lowest, highest], axis=1)).to(boxes.dtype)


def _masks(masks: Tensor, warp: Warp) -> Tensor:
    """Return [N, H, W]: all masks of an image move alike. What edges reflect is no part of an
    object, as it is not in its box.
    """
    moved = gathered(masks.permute(1, 2, 0)[None], replace(warp, edges="nothing"))
    return moved[0].permute(2, 0, 1).contiguous()


def _bounds(masks: Tensor) -> Tensor:
    """Return [N, 4]: the boxes about the pixels of each mask; all zeros where there are none."""
    bounds = torch.zeros(len(masks), 4)
    for number, mask in enumerate(masks):
        rows, columns = torch.nonzero(mask, as_tuple=True)
        if len(rows):
            edges = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
            bounds[number] = torch.stack(edges).float()
    return bounds


def _keypoints(points: Tensor, warp: Warp, size: tuple[int, int], order: Indices) -> Tensor:
    """Return [N, K, 3]; points beyond the edges are not labelled, as COCO writes it: all zeros."""
    height, width = size
    places: Floats = points[:, :, :2].double().numpy().reshape(-1, 2)
    moved = torch.from_numpy(moved_points(places, warp)).reshape(*points.shape[:2], 2)
    inside = ((moved >= 0) & (moved <= torch.tensor([width, height]))).all(dim=2)
    seen = inside & (points[:, :, 2] > 0)
    result = torch.cat([moved.to(points.dtype), points[:, :, 2:]], dim=2) * seen[:, :, None]
    return result[:, torch.from_numpy(order)] if len(order) and warp.is_mirrored[0] else result


def _still_seen(objects: ObjectTargets) -> ObjectTargets:
    boxes = objects["boxes"]
    seen = ((boxes[:, 2:] - boxes[:, :2]) >= MIN_SIDE_PX).all(dim=1)
    if "masks" in objects:
        seen &= objects["masks"].bool().flatten(1).any(dim=1)
    return {
        name: tensor[seen] if tensor.ndim and len(tensor) == len(seen) else tensor
        for name, tensor in objects.items()
    }
