"""Curves with fewer points that look the same: Largest-Triangle-Three-Buckets. Pure.

Source: Steinarsson 2013, Downsampling time series for visual representation, section 4.2.
"""

import math
from collections.abc import Sequence


def thinned(steps: Sequence[int], values: Sequence[float], most: int) -> list[int]:
    """Return the positions of at most `most` points, in order: the first, the last, and of each
    bucket in between the one that spans the largest triangle with its neighbours.

    A point that is no finite number is worth seeing more than any other of its bucket.

    Args:
        most: at least 1; of 1 point the last is kept.
    """
    num_points = len(steps)
    if num_points <= most:
        return list(range(num_points))
    if most < 3:
        return [0, num_points - 1][2 - most :]
    edges = [1 + (num_points - 2) * number // (most - 2) for number in range(most - 1)]
    chosen = [0]
    for number in range(most - 2):
        begin, end = edges[number], edges[number + 1]
        following = range(end, edges[number + 2] if number + 2 < len(edges) else num_points)
        corner = _middle(steps, values, following)
        left = (steps[chosen[-1]], values[chosen[-1]])
        chosen.append(
            max(range(begin, end), key=lambda at: _area(left, (steps[at], values[at]), corner))
        )
    return [*chosen, num_points - 1]


def _middle(steps: Sequence[int], values: Sequence[float], positions: range) -> tuple[float, float]:
    """Return the mean of the finite points."""
    finite = [at for at in positions if math.isfinite(values[at])] or [positions[0]]
    return (
        sum(steps[at] for at in finite) / len(finite),
        sum(values[at] for at in finite) / len(finite),
    )


def _area(
    left: tuple[float, float], point: tuple[float, float], right: tuple[float, float]
) -> float:
    """Return twice the area of a triangle; a corner that is no number counts as being at 0."""
    if not math.isfinite(point[1]):
        return math.inf
    left_y, right_y = (y if math.isfinite(y) else 0.0 for y in (left[1], right[1]))
    return abs(
        (left[0] - right[0]) * (point[1] - left_y) - (left[0] - point[0]) * (right_y - left_y)
    )
