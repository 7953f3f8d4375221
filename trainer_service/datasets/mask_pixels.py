"""The pixels of a mask: class indices in grey or as a palette, never colours to be guessed."""

import io
import warnings

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from trainer_service.datasets.pixels import ImageUnreadable, openable_formats, require_sane

IndexMask = npt.NDArray[np.int32]


def decode_mask(data: bytes) -> IndexMask:
    """Return the values of a mask's pixels, [h, w]: grey levels, or indices of a palette.

    Raises:
        ImageUnreadable: it is no image, or in colour.
    """
    if not data:
        raise ImageUnreadable("empty file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=openable_formats()) as image:
                require_sane(image.size)
                return _indices(np.asarray(ImageOps.exif_transpose(image)))
    except UnidentifiedImageError as error:
        raise ImageUnreadable("not an image") from error
    except (SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ImageUnreadable(str(error)) from error


def _indices(values: npt.NDArray[np.generic]) -> IndexMask:
    if values.ndim > 2:
        colours = values[..., : 3 if values.shape[-1] > 2 else 1]  # what follows is opacity
        if (colours != colours[..., :1]).any():
            raise ImageUnreadable("in colour; class indices are grey values, or a palette's")
        values = colours[..., 0]
    if np.issubdtype(values.dtype, np.floating):
        raise ImageUnreadable("floating-point values; class indices are whole numbers")
    return np.ascontiguousarray(values, dtype=np.int32)
