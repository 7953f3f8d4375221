"""What a new head changes in a builder's arguments: one function a kind of head. No torch.

torchvision's own builders make the head for any number of classes, so shapes, biases and attributes
such as SqueezeNet's `num_classes` are theirs. A new kind is one function and one line in `HEADS`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from catalog_service.errors import InvalidRequest
from catalog_service.models.families.family import Family


def classification_arguments(family: Family, head: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments for one logit per class, without auxiliary heads."""
    return {"num_classes": head["num_outputs"], **family.new_task_arguments}


HEADS: dict[str, Callable[[Family, Mapping[str, Any]], dict[str, Any]]] = {
    "classification": classification_arguments,
}
"""`kind` of a recipe's head -> what it changes."""


def head_arguments(family: Family, head: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what a recipe's head changes in the builder's arguments; nothing for None.

    Raises:
        InvalidRequest: no such kind of head.
    """
    if head is None:
        return {}
    if head.get("kind") not in HEADS:
        raise InvalidRequest(f"no head {head.get('kind')!r}; heads are {', '.join(HEADS)}")
    return HEADS[head["kind"]](family, head)
