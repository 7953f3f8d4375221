"""What is wrong with the outline of an object, before a rasteriser sees it: COCO's own takes all of
the memory for a point that is far away, and draws nothing for half a polygon.

Source: https://cocodataset.org/#format-data; run lengths as text as in pycocotools' maskApi.c.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

SMALLEST_POLYGON = 4
"""Numbers of the two corners of a box, which stand for a box."""

MAX_SIDES_AWAY = 10
"""How many sides of the image a corner may lie outside of it."""


def outline_fault(outline: object, width: int, height: int) -> str:
    """Return what is wrong with polygons or run lengths; empty where they can be drawn."""
    if isinstance(outline, list):
        return next(filter(None, (_polygon_fault(each, width, height) for each in outline)), "")
    if isinstance(outline, Mapping):
        return _runs_fault(outline, width, height)
    return f"{type(outline).__name__} is neither polygons nor run lengths"


def _polygon_fault(corners: object, width: int, height: int) -> str:
    if not isinstance(corners, list) or not all(map(_is_number, corners)):
        return "a polygon is a list of numbers x, y, x, y, ..."
    if len(corners) < SMALLEST_POLYGON or len(corners) % 2:
        return f"a polygon of {len(corners)} numbers has no area"
    farthest = MAX_SIDES_AWAY * max(width, height)
    far = [each for each in corners if not abs(each) <= farthest]
    return f"a corner at {far[0]} is far outside of the image" if far else ""


def _runs_fault(runs: Mapping[str, Any], width: int, height: int) -> str:
    if runs.get("size") != [height, width]:
        return f"run lengths of size {runs.get('size')}, not [{height}, {width}]"
    counts = runs.get("counts")
    try:
        lengths = _lengths(counts) if isinstance(counts, str) else counts
    except ValueError as error:
        return str(error)
    if not isinstance(lengths, Sequence) or not all(_is_number(each) for each in lengths):
        return "run lengths are a list of numbers, or text"
    if any(each < 0 for each in lengths) or sum(lengths) != width * height:
        return f"run lengths of {sum(lengths)} pixels in all, not {width * height}"
    return ""


def _is_number(value: object) -> bool:
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))


def _lengths(text: str) -> list[int]:
    """Return run lengths from text: five bits a character, from the third one on as differences.

    Raises:
        ValueError: the text is cut off, or has characters that do not belong there.
    """
    lengths: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64 or shift > 30:
            raise ValueError("run lengths as text that COCO does not write")
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        lengths.append(value + lengths[-2] if len(lengths) > 2 else value)
        value = shift = 0
    if shift:
        raise ValueError("run lengths as text that is cut off")
    return lengths
