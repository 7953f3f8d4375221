"""What a file says of its head, its channels and its images. Pure."""

from collections.abc import Mapping
from math import isqrt

from catalog_service.checkpoints.identify.judged import Judged
from catalog_service.models.families.table import family_of
from catalog_service.models.families.vit import PATCHES

Shapes = Mapping[str, tuple[int, ...]]


def num_classes(found: Judged, inside: Shapes) -> int:
    """Return how many classes the head has; 0 where there is no head of one layer.

    Args:
        inside: the tree's names, without prefix and wrappers -> shape.
    """
    published, scheme = found.reading.published, found.reading.tree.scheme
    own = family_of(published.architecture_id).final_layer
    path = scheme.head if scheme is not None else own
    wanted = {tensor.name: tensor.shape for tensor in published.layout.tensors}.get(f"{own}.weight")
    shape = inside.get(f"{path}.weight") if path else None
    if shape is None or wanted is None or shape[1:] != wanted[1:]:
        return 0
    return shape[0]


def in_channels(found: Judged) -> int:
    """Return how many channels the first layer takes; 0 where the file does not have it."""
    name = found.reading.published.architecture_id
    shape = found.shapes.get(f"{family_of(name).stem_of(name)}.weight", ())
    return shape[1] if len(shape) > 1 else 0


def image_px(found: Judged) -> int:
    """Return the side of the square images that a position table is for; 0: there is none."""
    name = found.reading.published.architecture_id
    shape = found.shapes.get(family_of(name).position_table, ())
    side = isqrt(shape[1] - 1) if len(shape) == 3 and shape[1] else 0
    is_square = len(shape) == 3 and side * side == shape[1] - 1
    return side * PATCHES[name] if is_square and name in PATCHES else 0
