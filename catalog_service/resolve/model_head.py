"""Which head a spec gets: the architecture's own module, or one of ours on its backbone. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from math import isqrt
from typing import Any

from catalog_service.errors import InvalidRequest, Violation, invalid, listed
from catalog_service.index.entries import ArchitectureEntry
from catalog_service.index.output_contract import DETECTIONS, final_width
from catalog_service.models.compositions import InputFacts, compose_recipe
from catalog_service.models.contracts import InputContract
from catalog_service.models.families.table import family_of
from catalog_service.models.same_classes import same_classes
from catalog_service.models.spec import ModelSpec
from catalog_service.models.spec_check import BACKGROUND, MAX_HEAD_BYTES, check_head_size
from catalog_service.models.tasks import (
    ClassificationTask,
    FeaturesTask,
    KeypointsTask,
    RegressionTask,
    Task,
)

CLASSIFIERS = ("classification", "video")
"""Tasks of architectures whose last layer gives one number a class."""

PARAMETERS_PER_CLASS: Mapping[str, int] = {
    "fcn": 513 + 257,
    "deeplabv3": 257 + 257,
    "lraspp": 170,
    "faster_rcnn": 5 * 1025,
    "mask_rcnn": 5 * 1025 + 257,
    "keypoint_rcnn": 5 * 1025,
    "retinanet": 9 * 2305,
    "fcos": 2305,
    "ssd": 133_632,
    "ssdlite": 13_860,
}
"""Head -> parameters that one more class adds, as torchvision builds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedHead:
    """The parts of a recipe that make its head; all empty for the published one."""

    head: Mapping[str, Any] | None = None
    neck: Mapping[str, Any] | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    is_composed: bool = False

    @property
    def keeps_aux(self) -> bool:
        """Return whether the new head has auxiliary ones beside it."""
        return bool((self.head or {}).get("aux"))


def is_own(entry: ArchitectureEntry, task: Task, neck: str) -> bool:
    """Return whether an architecture's own module makes the head of a task."""
    if isinstance(task, ClassificationTask | RegressionTask):
        return entry.task in CLASSIFIERS and not task.pooling
    if isinstance(task, FeaturesTask):
        return task.output == "identity" and entry.task in CLASSIFIERS
    own_neck = "fpn" if "backbone.fpn" in family_of(entry.architecture_id).neck_modules else "none"
    return entry.task == task.kind and task.head in ("", entry.family) and neck in ("", own_neck)


def planned_head(
    spec: ModelSpec,
    entry: ArchitectureEntry,
    contract: InputContract,
    categories: tuple[str, ...],
) -> PlannedHead:
    """Return what a spec's task and policy for auxiliary heads mean for an architecture.

    Args:
        contract: the model's input: heads that resize and normalise need it.
        categories: classes of the published head whose numbers are at hand; empty: none are.

    Raises:
        InvalidRequest: the head is too large, or keeps what is not there.
        CompositionInfeasible: the task's head does not go on this backbone.
    """
    task = spec.task
    if task is None:
        return PlannedHead(arguments=_published_aux(spec, entry))
    violations = _size_problems(entry, task)
    if violations:
        raise invalid(violations)
    if is_own(entry, task, spec.neck):
        return _own(spec, entry, task, categories)
    return _composed(spec, entry, task, contract)


def keeps_aux(spec: ModelSpec, entry: ArchitectureEntry, arguments: Mapping[str, Any]) -> bool:
    """Return whether an architecture's own auxiliary heads are there in training.

    Args:
        arguments: of the published structure.
    """
    argument = family_of(entry.architecture_id).aux_argument
    if not argument:
        return False
    if spec.task is None:
        return bool(arguments.get(argument)) if not spec.aux_heads else spec.aux_heads == "keep"
    if not is_own(entry, spec.task, spec.neck):
        return False
    return spec.aux_heads == "keep" or (not spec.aux_heads and spec.task.kind == "segmentation")


def _published_aux(spec: ModelSpec, entry: ArchitectureEntry) -> dict[str, Any]:
    _require_aux(spec, entry)
    argument = family_of(entry.architecture_id).aux_argument
    return {argument: spec.aux_heads == "keep"} if spec.aux_heads and argument else {}


def _require_aux(spec: ModelSpec, entry: ArchitectureEntry) -> None:
    if spec.aux_heads == "keep" and not family_of(entry.architecture_id).aux_argument:
        why = f"{entry.architecture_id} has no auxiliary heads to keep"
        raise invalid([Violation(field="aux_heads", description=why)])


def _own(
    spec: ModelSpec, entry: ArchitectureEntry, task: Task, categories: tuple[str, ...]
) -> PlannedHead:
    _require_aux(spec, entry)
    if isinstance(task, FeaturesTask):
        return PlannedHead(head={"kind": "identity"})
    head: dict[str, Any] = {"kind": task.kind, "num_outputs": task.num_outputs}
    if isinstance(task, KeypointsTask):
        head["num_points"] = task.num_points
    if isinstance(task, ClassificationTask | RegressionTask):
        head |= {"hidden_units": list(task.hidden_units)} if task.hidden_units else {}
        head |= {"dropout": task.dropout} if task.dropout is not None else {}
    if isinstance(task, ClassificationTask) and task.multilabel:
        head["multilabel"] = True
    if keeps_aux(spec, entry, {}):
        head["aux"] = True
    return PlannedHead(head=head | _known_rows(entry, task, categories))


def _known_rows(
    entry: ArchitectureEntry, task: Task, categories: tuple[str, ...]
) -> dict[str, Any]:
    if not getattr(task, "keep_known_classes", False):
        return {}
    names: tuple[str, ...] = getattr(task, "class_names", ())
    background = (BACKGROUND,) if entry.task in DETECTIONS else ()
    rows = same_classes((*background, *names), categories)
    if len(rows) <= len(background):
        published = f"none of its {len(categories)} classes has" if categories else "it has no"
        why = (
            f"no published row to keep: {entry.architecture_id} starts from numbers whose head "
            f"is not known by class names, or {published} one of the asked names"
        )
        raise _not_kept(task, why)
    return {"known_rows": [list(pair) for pair in rows], "num_published": len(categories)}


def _not_kept(task: Task, why: str) -> InvalidRequest:
    return invalid([Violation(field=f"{task.kind}.keep_known_classes", description=why)])


def _composed(
    spec: ModelSpec, entry: ArchitectureEntry, task: Task, contract: InputContract
) -> PlannedHead:
    if isinstance(task, FeaturesTask) and task.output == "identity":
        why = (
            f"'identity' replaces the last layer, and {entry.architecture_id} has none; "
            "'pooled' and 'pyramid' give features"
        )
        raise invalid([Violation(field="features.output", description=why)])
    fixed = () if contract.resize_shorter_side_px else (contract.height_px, contract.width_px)
    facts = InputFacts(
        mean=contract.mean,
        std=contract.std,
        min_size_px=contract.resize_shorter_side_px or min(contract.height_px, contract.width_px),
        max_size_px=contract.max_longer_side_px or max(contract.height_px, contract.width_px),
        fixed_size_px=fixed,
    )
    choice = compose_recipe(entry.architecture_id, task, spec.neck, facts, aux_heads=spec.aux_heads)
    if getattr(task, "keep_known_classes", False):
        why = (
            f"{entry.architecture_id} was published for {entry.task}; a {task.kind} head on its "
            "backbone has no published rows"
        )
        raise _not_kept(task, why)
    return PlannedHead(head=choice.head, neck=choice.neck, is_composed=True)


def _size_problems(entry: ArchitectureEntry, task: Task) -> list[Violation]:
    """Return a problem where the head takes more memory than `MAX_HEAD_BYTES`."""
    if isinstance(task, FeaturesTask):
        return []
    name = "num_targets" if isinstance(task, RegressionTask) else "num_classes"
    count = task.num_outputs
    if isinstance(task, ClassificationTask | RegressionTask):
        widths = (final_width(entry) or 1, *task.hidden_units, count)
        size = sum(one * other for one, other in pairwise(widths))
        hidden = size - widths[-2] * count
        if 4 * hidden > MAX_HEAD_BYTES:
            return [_too_wide(task, widths[:-1], hidden)]
    else:
        word = task.head or (entry.family if entry.task == task.kind else "")
        size = count * PARAMETERS_PER_CLASS.get(word, PARAMETERS_PER_CLASS["faster_rcnn"])
    return check_head_size(f"{task.kind}.{name}", count, size)


def _too_wide(
    task: ClassificationTask | RegressionTask, widths: tuple[int, ...], size: int
) -> Violation:
    """Return the problem of hidden layers that are too large whatever they lead to."""
    most, first, squares = MAX_HEAD_BYTES // 4, widths[0], len(widths) - 2
    widest = most // first
    if squares:  # first * w + squares * w * w <= most
        widest = (isqrt(first * first + 4 * squares * most) - first) // (2 * squares)
    why = (
        f"layers of {listed([str(width) for width in widths[1:]])} on {first} features take "
        f"{4 * size / 2**30:.1f} GiB (parameters x 4 bytes); heads have at most "
        f"{MAX_HEAD_BYTES // 2**30} GiB: {len(widths) - 1} layers of {widest} fit"
    )
    return Violation(field=f"{task.kind}.hidden_units", description=why)
