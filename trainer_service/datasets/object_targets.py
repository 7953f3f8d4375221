"""Objects of images as torchvision's detectors take them; masks are drawn when they are needed."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trainer_service.datasets.batch import ObjectTargets, Positions
from trainer_service.datasets.truths import Objects

FIRST_LABEL = 1
"""0 is the background."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRows:
    """The objects of N images."""

    objects: Objects
    has_masks: bool
    has_points: bool

    def __len__(self) -> int:
        """Return N."""
        return len(self.objects)

    def at(self, positions: Positions) -> list[ObjectTargets]:
        """Return what is true of these images."""
        return [self._targets(int(position)) for position in positions]

    def _targets(self, position: int) -> ObjectTargets:
        objects, rows = self.objects, self.objects.rows(position)
        targets = {
            "boxes": torch.from_numpy(objects.boxes[rows].copy()),
            "labels": torch.from_numpy(objects.labels[rows] + FIRST_LABEL),
            "is_crowd": torch.from_numpy(objects.is_crowd[rows].copy()),
        }
        if self.has_masks:
            targets["masks"] = self._masks(position, rows)
        if self.has_points:
            targets["keypoints"] = torch.from_numpy(objects.points[rows].copy())
        return targets

    def _masks(self, position: int, rows: slice) -> Tensor:
        width, height = map(int, self.objects.sizes[self.objects.chosen[position]])
        drawn = [
            self.objects.outlines.mask(index, width, height)
            for index in range(rows.start, rows.stop)
        ]
        empty = np.zeros((0, height, width), dtype=np.uint8)
        return torch.from_numpy(np.stack(drawn) if drawn else empty)


def object_rows(objects: Objects, task: str) -> ObjectRows:
    """Return the objects with what the task needs."""
    return ObjectRows(
        objects=objects, has_masks=task == "instance_segmentation", has_points=task == "keypoints"
    )
