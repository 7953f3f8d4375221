"""Puts a task's head on a backbone, as a recipe's `head` and `neck`, or says why it does not go.

No torch. The rules are in `composition_rules.py`, and all that is feasible by them in
`composition_list.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catalog_service.errors import InvalidRequest, Violation, listed
from catalog_service.models.composition_list import Composition, backbones_of, compositions
from catalog_service.models.composition_rules import (
    CLASS_TOKEN,
    HEADS,
    NECKS,
    NO_NECK,
    ROUNDING,
    HeadRule,
    ends,
    taken_maps,
    why_not,
)
from catalog_service.models.families.family import Family, FeatureRule
from catalog_service.models.families.table import families
from catalog_service.models.tasks import Task

__all__ = [
    "Composition",
    "CompositionInfeasible",
    "HeadChoice",
    "InputFacts",
    "compose_recipe",
    "compositions",
]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class CompositionInfeasible(InvalidRequest):
    """This backbone does not go with this neck or head."""

    reason = "COMPOSITION_INFEASIBLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFacts:
    """How a model that resizes and normalises by itself does it; from the input contract."""

    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    min_size_px: int = 800
    """The shorter side. Source of both: torchvision's detectors."""

    max_size_px: int = 1333
    fixed_size_px: tuple[int, ...] = ()
    """Height and width; only for architectures of one size. Empty: the architecture's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadChoice:
    """The parts of a recipe that put a head on a backbone."""

    head: Mapping[str, Any]
    neck: Mapping[str, Any] | None


def compose_recipe(
    architecture_id: str,
    task: Task,
    neck: str = "",
    facts: InputFacts | None = None,
    *,
    aux_heads: str = "",
) -> HeadChoice:
    """Return head and neck of a recipe that puts a task's head on a backbone.

    Args:
        neck: as in the spec; empty means the default of the head on this backbone.
        facts: for heads that resize and normalise; None means torchvision's, on three channels.
        aux_heads: `keep`, `drop`, or empty to keep one where it goes.

    Raises:
        CompositionInfeasible: it names what is feasible; its violation's field is relative to the
            spec.
    """
    family = families()[architecture_id]
    rule = family.features.get(architecture_id)
    if rule is None:
        raise _no_maps(architecture_id, family, task.kind)
    head, neck = _chosen(architecture_id, rule, task, neck)
    has_aux = _has_aux(rule, head, neck, aux_heads)
    choice = {
        "kind": head.kind,
        "num_outputs": task.num_outputs,
        "feature_maps": list(taken_maps(rule, head, neck, has_aux=has_aux)),
        **_task_settings(rule, task),
    }
    if head.has_aux:
        choice["aux"] = has_aux
    if head.resizes:
        choice |= _resizing(family, facts or InputFacts())
    if head.is_dilated and neck == NO_NECK and rule.dilation:
        choice["trunk_arguments"] = dict(rule.dilation)
    if choice["kind"] == "pooled" and choice["pooling"] == CLASS_TOKEN:
        choice["feature_maps"] = [CLASS_TOKEN]
    return HeadChoice(head=choice, neck=_neck_settings(rule, head, neck))


def _task_settings(rule: FeatureRule, task: Task) -> dict[str, Any]:
    """Return what a task says about its head besides its outputs."""
    if task.kind == "keypoints":
        return {"num_points": task.num_points}
    if task.kind == "features":
        return {"pooling": task.pooling or _own_pooling(rule)} if task.output != "pyramid" else {}
    if task.kind in ("classification", "regression"):
        return {
            "pooling": task.pooling or _own_pooling(rule),
            "hidden_units": list(task.hidden_units),
            "dropout": task.dropout,
        }
    return {}


def _own_pooling(rule: FeatureRule) -> str:
    return CLASS_TOKEN if rule.has_class_token else "avg"


def _resizing(family: Family, facts: InputFacts) -> dict[str, Any]:
    found: dict[str, Any] = {
        "mean": list(facts.mean),
        "std": list(facts.std),
        "min_size_px": facts.min_size_px,
        "max_size_px": facts.max_size_px,
        "multiple_of_px": 32,
    }
    if family.size.is_fixed:
        sides = facts.fixed_size_px or (family.size.default_px,) * 2
        found |= {"fixed_size_px": list(sides), "multiple_of_px": 1}
    return found


def _neck_settings(rule: FeatureRule, head: HeadRule, neck: str) -> Mapping[str, Any] | None:
    if neck == NO_NECK:
        return None
    found = {"kind": neck, **NECKS[neck].settings}
    scales = [
        scale
        for scale in NECKS[neck].scales
        if rule.strides[-1] / scale >= ROUNDING * head.min_stride_px
    ]
    if scales:
        found["scales"] = list(ends(scales)) if head.takes_ends else scales
    return found


def _chosen(architecture_id: str, rule: FeatureRule, task: Task, neck: str) -> tuple[HeadRule, str]:
    word = (task.output or "pooled") if task.kind == "features" else getattr(task, "head", "")
    heads = [head for head in HEADS if head.task == task.kind and word in ("", head.word)]
    if not heads:
        words = [head.word for head in HEADS if head.task == task.kind]
        raise _infeasible(
            f"{task.kind}.head",
            f"{word!r} does not go on {architecture_id}; feasible are {listed(words)}",
        )
    necks = (neck,) if neck else (NO_NECK, *NECKS)
    for head in heads:
        for each in head.necks:
            if each in necks and not why_not(rule, head, each):
                return head, each
    raise _infeasible("neck", _explained(architecture_id, rule, heads[0], neck))


def _explained(architecture_id: str, rule: FeatureRule, head: HeadRule, neck: str) -> str:
    feasible = [each for each in head.necks if not why_not(rule, head, each)]
    reason = why_not(rule, head, neck or head.necks[0])
    under = f"under {head.word} on {architecture_id}"
    if feasible:
        return f"{neck!r} does not go {under}: {reason}; feasible are {listed(feasible)}"
    others = listed(backbones_of(head.task, head.word))
    return f"no neck goes {under}: {reason}; feasible backbones are {others}"


def _no_maps(architecture_id: str, family: Family, task: str) -> CompositionInfeasible:
    trunk = family.trunks.get(architecture_id)
    instead = (
        f"its backbone does: {trunk.architecture_id!r}"
        if trunk
        else f"feasible backbones are {listed(backbones_of(task))}"
    )
    return _infeasible(
        "backbone",
        f"{architecture_id!r} ({family.task}) takes no other head or neck for {task}; {instead}",
    )


def _infeasible(field_path: str, why: str) -> CompositionInfeasible:
    violation = Violation(field=field_path, description=why)
    return CompositionInfeasible(f"{field_path}: {why}", violations=[violation])


def _has_aux(rule: FeatureRule, head: HeadRule, neck: str, policy: str) -> bool:
    is_possible = head.has_aux and neck == NO_NECK and len(rule.taps) > 1
    if policy == "keep" and not is_possible:
        raise _infeasible(
            "aux_heads",
            f"{head.word} with neck {neck!r} has no auxiliary head here: it takes the last map but "
            "one of a backbone without neck; leave aux_heads empty",
        )
    return is_possible and policy != "drop"
