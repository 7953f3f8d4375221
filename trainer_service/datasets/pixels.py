"""From an image file's bytes to the pixels that a model sees, before normalisation.

Same numbers as torchvision's evaluation presets on a PIL image: resizing is Pillow's own, with the
same rounding of sizes and crops.
"""

import io
import warnings
from functools import cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from catalog_service.models.contracts import InputContract
from trainer_service.datasets.image_folder import IMAGE_FORMATS

Pixels = npt.NDArray[np.uint8]
Number = TypeVar("Number", bound=np.generic)

INTERPOLATIONS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}
"""Pillow's filters widen when they shrink an image: both are antialiased."""

BRIGHTEST_16_BIT = 65535

MAX_PIXELS = 89_478_485
"""More, in the file or once its shorter side is what the model wants, takes gigabytes per image;
a file of a few bytes can ask for that.

Source: PIL.Image.MAX_IMAGE_PIXELS, from which on Pillow only warns.
"""


class ImageUnreadable(ValueError):
    """The bytes are no image that can be used; the text says why, without a path."""


def decode(data: bytes) -> Image.Image:
    """Return the image upright and in 8-bit RGB, as a person would see it on white paper.

    Raises:
        ImageUnreadable: empty, truncated, huge, of an unknown format, or with no known range of
            values.
    """
    if not data:
        raise ImageUnreadable("empty file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # broken metadata that Pillow can live with
            with Image.open(io.BytesIO(data), formats=openable_formats()) as image:
                require_sane(image.size)
                image.load()
                return _as_rgb(ImageOps.exif_transpose(image))
    except UnidentifiedImageError as error:
        raise ImageUnreadable("not an image") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ImageUnreadable(str(error)) from error


def fit(image: Image.Image, contract: InputContract) -> Pixels:
    """Return [H, W, 3], resized and cropped as the contract says.

    Raises:
        ImageUnreadable: it is so narrow that resizing its shorter side makes it huge.

    Source: torchvision.transforms.functional.resize and center_crop.
    """
    size = resized(image.size, contract)
    pixels = np.array(image.resize(size, INTERPOLATIONS[contract.interpolation]))
    return centre_crop(pixels, contract, 0)


def fit_mask(
    mask: npt.NDArray[np.int32], contract: InputContract, *, outside: int
) -> npt.NDArray[np.int32]:
    """Return [H, W]: the mask moved as `fit` moves its image, without new values in between.

    Args:
        mask: [h, w], as large as the image.
        outside: value of what the image does not show.
    """
    size = resized((mask.shape[1], mask.shape[0]), contract)
    nearest = Image.fromarray(mask).resize(size, Image.Resampling.NEAREST)
    return centre_crop(np.array(nearest), contract, outside)


def resized(size: tuple[int, int], contract: InputContract) -> tuple[int, int]:
    """Return width and height before the crop.

    Raises:
        ImageUnreadable: they would be huge.
    """
    if contract.keeps_whole_image or not contract.resize_shorter_side_px:
        return (
            contract.resize_width_px or contract.width_px,
            contract.resize_height_px or contract.height_px,
        )
    wanted = _shorter_side_to(size, contract.resize_shorter_side_px)
    require_sane(wanted)
    return wanted


def centre_crop(
    pixels: npt.NDArray[Number], contract: InputContract, outside: int
) -> npt.NDArray[Number]:
    """Return the middle, [H, W, ...]; where the image is smaller, pad both sides first."""
    height, width = contract.height_px, contract.width_px
    pad_y, pad_x = max(height - pixels.shape[0], 0), max(width - pixels.shape[1], 0)
    if pad_x or pad_y:
        borders = [(pad_y // 2, (pad_y + 1) // 2), (pad_x // 2, (pad_x + 1) // 2)]
        borders += [(0, 0)] * (pixels.ndim - 2)
        pixels = np.pad(pixels, borders, constant_values=outside)
    top, left = round((pixels.shape[0] - height) / 2), round((pixels.shape[1] - width) / 2)
    return pixels[top : top + height, left : left + width]


@cache
def openable_formats() -> tuple[str, ...]:
    """Return the formats that this build of Pillow has; the name of another would be an error."""
    Image.init()
    return tuple(name for name in IMAGE_FORMATS if name in Image.OPEN)


def require_sane(size: tuple[int, int]) -> None:
    """Raise ImageUnreadable for an image of too many pixels; called before they are made."""
    width, height = size
    if width * height > MAX_PIXELS:
        raise ImageUnreadable(f"{width:,} x {height:,} pixels; the most is {MAX_PIXELS:,} in all")


def _shorter_side_to(size: tuple[int, int], side: int) -> tuple[int, int]:
    width, height = size
    if width <= height:
        return side, int(side * height / width)
    return int(side * width / height), side


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        return _from_16_bit(image).convert("RGB")
    if image.mode == "F":
        raise ImageUnreadable("floating-point pixels have no known range; save them with 8 bits")
    if image.has_transparency_data:
        return _on_white(image.convert("RGBA"))
    return image.convert("RGB")


def _from_16_bit(image: Image.Image) -> Image.Image:
    """Scale 0..65535 to 0..255; Pillow's own conversion would cut everything above 255."""
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > BRIGHTEST_16_BIT:
        raise ImageUnreadable("pixels beyond 16 bits have no known range; save them with 8 bits")
    return Image.fromarray((values * 255 / BRIGHTEST_16_BIT).round().astype(np.uint8))


def _on_white(image: Image.Image) -> Image.Image:
    paper = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return Image.alpha_composite(paper, image).convert("RGB")
