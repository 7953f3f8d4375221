"""Masks of classes from masks of objects: what segmentation learns where objects are annotated."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trainer_service.datasets.truths import Objects

BACKGROUND = "background"
"""The class of pixels without an object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaintedMasks:
    """Objects painted on a background in their order, the last one on top; crowds count for
    nothing.
    """

    objects: Objects
    """Of all images."""
    outputs: tuple[int, ...]
    """Class index of each object label."""
    background: int
    ignore_index: int

    def mask(self, position: int) -> npt.NDArray[np.int32]:
        """Return [h, w], class indices."""
        width, height = map(int, self.objects.sizes[self.objects.chosen[position]])
        canvas = np.full((height, width), self.background, dtype=np.int32)
        rows = self.objects.rows(position)
        for index in range(rows.start, rows.stop):
            is_inside = self.objects.outlines.mask(index, width, height) == 1
            is_crowd = self.objects.is_crowd[index]
            canvas[is_inside] = (
                self.ignore_index if is_crowd else self.outputs[self.objects.labels[index]]
            )
        return canvas

    def word(self, position: int) -> str:
        """Return the objects in words."""
        return self.objects.word(position)

    def presence(self, num_classes: int) -> npt.NDArray[np.bool_]:
        """Return [N, K]: which classes an image has; the background is counted everywhere."""
        whole = np.zeros((len(self.objects), num_classes), dtype=bool)
        whole[:, self.outputs] = self.objects.presence()
        whole[:, self.background] = True
        return whole
