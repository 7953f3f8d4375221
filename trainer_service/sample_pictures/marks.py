"""Marks on an image: boxes with words, masks, points."""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from trainer_service.datasets.pixels import Pixels
from trainer_service.sample_pictures.colors import Color, color_of, ink_on

FONT_PX = 12
LINE_PX = 2
POINT_PX = 3
MASK_ALPHA = 120
"""Of 255."""
LONGEST_LABEL = 24
ROOM_PX = 3
"""Around the words of a label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One object, in pixels of the picture."""

    index: int
    """Of its class."""
    label: str
    box: tuple[float, float, float, float]
    """x1, y1, x2, y2."""
    is_sure: bool = True
    """Others have thin lines."""
    mask: Pixels | None = None
    """[h, w], 255 inside; as large as the image, whatever its picture is."""
    points: tuple[tuple[float, float], ...] = ()


def marked(plain: Image.Image, marks: Sequence[Mark]) -> Image.Image:
    """Return the image with marks; later ones lie above earlier ones."""
    image = plain.convert("RGB")
    for mark in marks:
        if mark.mask is not None:
            _draw_mask(image, mark.mask, color_of(mark.index))
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(FONT_PX)
    for mark in marks:
        _draw_box(draw, mark)
    for mark in marks:
        _draw_points(draw, mark)
        _draw_label(draw, mark, font, image.size)
    return image


def _draw_mask(image: Image.Image, mask: Pixels, color: Color) -> None:
    wide = Image.fromarray(mask).resize(image.size, Image.Resampling.NEAREST)
    image.paste(color, mask=wide.point(lambda value: MASK_ALPHA if value else 0))


def _draw_box(draw: ImageDraw.ImageDraw, mark: Mark) -> None:
    left, top, right, bottom = mark.box
    box = (left, top, max(left, right), max(top, bottom))
    draw.rectangle(box, outline=color_of(mark.index), width=LINE_PX if mark.is_sure else 1)


def _draw_points(draw: ImageDraw.ImageDraw, mark: Mark) -> None:
    color = color_of(mark.index)
    for x, y in mark.points:
        place = (x - POINT_PX, y - POINT_PX, x + POINT_PX, y + POINT_PX)
        draw.ellipse(place, fill=color, outline=ink_on(color))


def _draw_label(
    draw: ImageDraw.ImageDraw,
    mark: Mark,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    size: tuple[int, int],
) -> None:
    """Write above the box, or inside where there is no room, and never beyond the image."""
    words, color = printable(mark.label), color_of(mark.index)
    width = draw.textlength(words, font=font) + 2 * ROOM_PX
    height = FONT_PX + ROOM_PX
    left = max(0.0, min(mark.box[0], size[0] - width))
    top = mark.box[1] - height if mark.box[1] >= height else mark.box[1]
    top = max(0.0, min(top, size[1] - height))
    draw.rectangle((left, top, left + width - 1, top + height - 1), fill=color)
    middle = (left + width / 2, top + height / 2)
    draw.text(middle, words, fill=ink_on(color), font=font, anchor="mm")


def printable(label: str) -> str:
    """Return a label as one short line, whatever its class is called."""
    plain = "".join(each if each.isprintable() else " " for each in label)
    name, _, score = plain.rpartition(" ")
    if len(plain) <= LONGEST_LABEL:
        return plain
    is_number = bool(name) and score.replace(".", "").isdecimal()
    end = f" {score}" if is_number else ""
    return (name if is_number else plain)[: LONGEST_LABEL - len(end) - 1] + "\u2026" + end
