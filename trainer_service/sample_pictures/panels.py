"""From pixels to a picture of panels: small images enlarged as they are, large ones shrunk."""

from collections.abc import Mapping

from PIL import Image

from trainer_service.datasets.pixels import Pixels
from trainer_service.jobs.exports import SamplePanel

GAP_PX = 6
LONGEST_PX = 256
"""Of a panel; three of them are as wide as a column of text."""

Size = tuple[int, int]


def panel_size(pixels: Pixels, longest_px: int = LONGEST_PX) -> Size:
    """Return width and height of the panel of an image: a whole number of times as large where it
    is small, so that its pixels stay squares.
    """
    height, width = pixels.shape[:2]
    longest = max(width, height)
    if longest <= longest_px:
        times = longest_px // longest
        return width * times, height * times
    return max(1, width * longest_px // longest), max(1, height * longest_px // longest)


def fitted(pixels: Pixels, size: Size) -> Image.Image:
    """Return an image as large as its panel."""
    image = Image.fromarray(pixels)
    is_larger = size[0] >= image.width
    return image.resize(size, Image.Resampling.NEAREST if is_larger else Image.Resampling.LANCZOS)


def side_by_side(panels: Mapping[SamplePanel, Image.Image]) -> Image.Image:
    """Return the panels as one picture; what is between them is transparent."""
    drawn = list(panels.values())
    if len(drawn) == 1:
        return drawn[0].convert("RGB")
    width, height = drawn[0].size
    whole = Image.new("RGBA", ((width + GAP_PX) * len(drawn) - GAP_PX, height))
    for number, panel in enumerate(drawn):
        whole.paste(panel.convert("RGB"), (number * (width + GAP_PX), 0))
    return whole
