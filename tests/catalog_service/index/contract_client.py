"""A client that has only the input contract: PIL and numpy, no torch, no torchvision.

What any language can do: resize, crop, rescale, normalise.
"""

import numpy as np
from PIL import Image

from catalog_service.models.contracts import InputContract

FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def as_input(image: Image.Image, contract: InputContract) -> np.ndarray:
    """Return one image as the contract says: [C, H, W], float32."""
    resized = image
    size = new_size(image.height, image.width, contract)
    if size != (image.height, image.width):
        resized = image.resize((size[1], size[0]), FILTERS[contract.interpolation])
    if not contract.keeps_whole_image:
        resized = middle(resized, contract.height_px, contract.width_px)
    values = np.asarray(resized, dtype=np.float32) * np.float32(contract.rescale_factor)
    mean, std = (np.asarray(row, dtype=np.float32) for row in (contract.mean, contract.std))
    return ((values - mean) / std).transpose(2, 0, 1)


def new_size(height: int, width: int, contract: InputContract) -> tuple[int, int]:
    """Return height and width after the resize."""
    if contract.resize_height_px:
        return contract.resize_height_px, contract.resize_width_px
    shorter = contract.resize_shorter_side_px
    if shorter and height <= width:
        return shorter, int(shorter * width / height)
    if shorter:
        return int(shorter * height / width), shorter
    if contract.keeps_whole_image:
        return height, width
    return contract.height_px, contract.width_px


def middle(image: Image.Image, height: int, width: int) -> Image.Image:
    """Return the middle; half a pixel is rounded to the even one, as Python does."""
    top, left = round((image.height - height) / 2), round((image.width - width) / 2)
    return image.crop((left, top, left + width, top + height))
