"""The data's classes in the order of the model's outputs. Names decide, never positions."""

from collections.abc import Sequence

from catalog_service.errors import listed
from trainer_service.datasets.wants import DataWants
from trainer_service.errors import DataInvalid

MIN_CLASSES = {"classification": 2, "segmentation": 2}
"""By the task; one is enough for the others."""


def ordered_classes(found: Sequence[str], wants: DataWants) -> tuple[str, ...]:
    """Return the classes in the model's order.

    Raises:
        DataInvalid: fewer than the task can learn from, or others than the model's, each named.
    """
    if len(found) < MIN_CLASSES.get(wants.task, 1):
        raise DataInvalid(
            f"only one class, {found[0]!r}: there is nothing to tell apart"
            if found
            else "the data names no class"
        )
    if not wants.class_names:
        if wants.num_outputs and len(found) != wants.num_outputs:
            raise DataInvalid(
                f"the data has {len(found)} classes ({listed(list(found))}), the model has"
                f" {wants.num_outputs} outputs: say num_classes {len(found)}, or leave it out"
            )
        return tuple(found)
    missing = [repr(name) for name in wants.class_names if name not in found]
    unexpected = [repr(name) for name in found if name not in wants.class_names]
    if missing or unexpected:
        raise DataInvalid(
            f"the data's {len(found)} classes are not the model's {len(wants.class_names)}:"
            f" without images: {listed(missing) or 'none'};"
            f" without an output: {listed(unexpected) or 'none'}"
        )
    return wants.class_names


def output_of(found: Sequence[str], names: Sequence[str]) -> list[int]:
    """Return the output of every class that was found, in the order in which they were found."""
    place = {name: output for output, name in enumerate(names)}
    return [place[name] for name in found]


def selected_targets(found: Sequence[str], wants: DataWants) -> tuple[str, ...]:
    """Return the targets that the model predicts: those it names, or the first ones it has room
    for.

    Raises:
        DataInvalid: the data has no such target, or fewer.
    """
    if missing := [repr(name) for name in wants.class_names if name not in found]:
        raise DataInvalid(f"no targets {listed(missing)}; there are {listed(list(found))}")
    if wants.num_outputs > len(found):
        raise DataInvalid(
            f"the model has {wants.num_outputs} targets, the data {len(found)}:"
            f" {listed(list(found))}"
        )
    return wants.class_names or tuple(found)[: wants.num_outputs or len(found)]


def ordered_points(found: Sequence[str], wants: DataWants) -> tuple[str, ...]:
    """Return the names of an object's points, the data's where the model has none.

    Raises:
        DataInvalid: the model has more, fewer or others.
    """
    is_other = wants.keypoint_names and wants.keypoint_names != tuple(found)
    if is_other or wants.num_points not in (0, len(found)):
        raise DataInvalid(
            f"the data has {len(found)} points an object ({listed(list(found))}), the model"
            f" {wants.num_points or len(wants.keypoint_names)}"
            f" ({listed(list(wants.keypoint_names)) or 'without names'})"
        )
    return tuple(found)


def named_outputs(wants: DataWants) -> tuple[str, ...]:
    """Return the model's classes, where the data cannot tell: masks hold numbers.

    Raises:
        DataInvalid: the model says neither names nor a number.
    """
    if wants.task == "segmentation" and not (wants.class_names or wants.num_outputs):
        raise DataInvalid(
            "masks do not tell how many classes there are: name them in the model's task"
            " (class_names, background included), or give num_classes"
        )
    return wants.class_names
