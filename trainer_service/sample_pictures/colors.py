"""The colour of every class: a function of its number, so that all pictures agree."""

import colorsys
from collections.abc import Iterable, Sequence

from trainer_service.jobs.exports import ClassColor
from trainer_service.sample_pictures.shown import class_word

Color = tuple[int, int, int]

DISTINCT = (
    "#4363d8",
    "#f58231",
    "#ffe119",
    "#42d4f4",
    "#f032e6",
    "#3cb44b",
    "#e6194b",
    "#bfef45",
    "#911eb4",
    "#fabed4",
    "#469990",
    "#dcbeff",
    "#9a6324",
    "#aaffc3",
    "#800000",
    "#ffd8b1",
    "#808000",
    "#000075",
)
"""Those first that most people tell apart, also those who see fewer colours.

Source: Trubetskoy 2017, List of 20 Simple, Distinct Colors.
"""

GOLDEN_TURN = 0.61803398875
"""Hues that far apart never come close to each other."""


def color_of(index: int) -> Color:
    """Return the colour of a class by its number."""
    if index < len(DISTINCT):
        digits = DISTINCT[index].removeprefix("#")
        return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)
    shade = colorsys.hsv_to_rgb(index * GOLDEN_TURN % 1.0, 0.75, 0.9)
    red, green, blue = (round(255 * part) for part in shade)
    return red, green, blue


def ink_on(color: Color) -> Color:
    """Return black or white, whichever is read better on a colour.

    Source: ITU-R BT.601, the weights of brightness.
    """
    brightness = 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2]
    return (0, 0, 0) if brightness > 140 else (255, 255, 255)


def legend_of(names: Sequence[str], indices: Iterable[int]) -> tuple[ClassColor, ...]:
    """Return the colours of these classes, in class order."""
    return tuple(
        ClassColor(class_name=class_word(names, index), color="#{:02x}{:02x}{:02x}".format(*shade))
        for index, shade in ((index, color_of(index)) for index in sorted(set(indices)))
    )
