"""What a new head changes in a builder's arguments: one function a kind of head. No torch.

torchvision's own builders make the head for any number of classes, so shapes, biases and attributes
such as SqueezeNet's `num_classes` are theirs. A new kind is one function and one line in `HEADS`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from catalog_service.errors import InvalidRequest
from catalog_service.models.families.family import Family
from catalog_service.models.placements import PLACEMENTS


def _num_classes(head: Mapping[str, Any]) -> dict[str, Any]:
    return {"num_classes": head["num_outputs"]}


def _num_points(head: Mapping[str, Any]) -> dict[str, Any]:
    return {"num_classes": head["num_outputs"], "num_keypoints": head["num_points"]}


def _nothing(head: Mapping[str, Any]) -> dict[str, Any]:
    return {}


HEADS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "classification": _num_classes,
    "regression": _num_classes,
    "segmentation": _num_classes,
    "detection": _num_classes,
    "instance_segmentation": _num_classes,
    "keypoints": _num_points,
    "identity": _nothing,
}
"""`kind` of a recipe's head on an architecture's own module -> what it changes."""


def head_arguments(family: Family, head: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what a recipe's head changes in the builder's arguments; nothing for None.

    Auxiliary heads are dropped but where the head says `aux`.

    Raises:
        InvalidRequest: no such kind of head.
    """
    if head is None:
        return {}
    kind = str(head.get("kind"))
    if kind not in HEADS and kind not in PLACEMENTS:
        raise InvalidRequest(f"no head {kind!r}; heads are {', '.join((*HEADS, *PLACEMENTS))}")
    is_own = kind in HEADS
    arguments = HEADS[kind](head) if is_own else dict(head.get("trunk_arguments", {}))
    if family.aux_argument:
        arguments[family.aux_argument] = is_own and bool(head.get("aux"))
    return arguments
