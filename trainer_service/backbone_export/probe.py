"""Images that an export is compared on: a few of the validation images, as the model takes them."""

from torch import Tensor

from trainer_service.datasets.batch import Batches, Inputs

NUM_IMAGES = 4
NUM_LISTED_IMAGES = 1
"""Detectors enlarge their images to 800 pixels: one of them costs as much as twenty others."""


LARGE_NUM_PARAMETERS = 100_000_000
"""From here on one image: on one thread, four of a large transformer take minutes."""


def few(probe: Inputs, num_parameters: int) -> Inputs:
    """Return as many of the images as a model of this size is compared on."""
    return probe[:1] if num_parameters >= LARGE_NUM_PARAMETERS else probe


def probe_of(batches: Batches) -> Inputs:
    """Return a few validation images on the CPU, row by row in memory.

    Args:
        batches: of images, not of cached features.
    """
    inputs = next(iter(batches.validation())).images
    if isinstance(inputs, Tensor):
        return inputs[:NUM_IMAGES].cpu().contiguous()
    return [image.cpu().contiguous() for image in inputs[:NUM_LISTED_IMAGES]]
