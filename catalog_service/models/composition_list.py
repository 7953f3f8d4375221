"""Every feasible composition of backbone, head and neck. No torch."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from catalog_service.models.composition_rules import (
    HEADS,
    NO_NECK,
    HeadRule,
    default_of,
    taken_maps,
    why_not,
)
from catalog_service.models.families.family import Family, FeatureRule
from catalog_service.models.families.table import families

IDENTITY = "identity"
"""Features of the published model with its last layer out; no recipe of ours."""

OWN_HEAD_TASKS: Mapping[str, tuple[str, ...]] = {
    "classification": ("classification", "regression"),
    "video": ("classification", "regression"),
}
"""Task that a family is published for -> tasks that its own final layer can be made new for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """Backbone, head and neck that go together; mirrors `vertebra.catalog.v1.Composition`."""

    backbone: str
    family: str
    task: str
    head: str
    neck: str
    is_default: bool
    """What an empty `head` and `neck` mean."""

    feature_maps: tuple[str, ...]
    is_published: bool

    @property
    def name(self) -> str:
        """Return what no other composition has: `resnet50/detection/fcos/fpn`."""
        return f"{self.backbone}/{self.task}/{self.head}/{self.neck}"


@cache
def compositions() -> tuple[Composition, ...]:
    """Return every feasible composition, by backbone, then task, head and neck."""
    found = [row for name, family in families().items() for row in _rows(name, family)]
    return tuple(sorted(found, key=lambda row: row.name))


def _rows(architecture_id: str, family: Family) -> Iterator[Composition]:
    rule = family.features.get(architecture_id)
    if rule is not None:
        for head in HEADS:
            yield from _head_rows(architecture_id, family, rule, head)
    yield from _own_rows(architecture_id, family, rule)


def _head_rows(
    architecture_id: str, family: Family, rule: FeatureRule, head: HeadRule
) -> Iterator[Composition]:
    defaults = default_of(rule, head.task)
    for neck in head.necks:
        if why_not(rule, head, neck):
            continue
        is_default = (head.word, neck) == defaults
        yield Composition(
            backbone=architecture_id,
            family=family.name,
            task=head.task,
            head=head.word,
            neck=neck,
            is_default=is_default,
            feature_maps=taken_maps(rule, head, neck, has_aux=head.has_aux),
            is_published=head.task == family.task and is_default,
        )


def _own_rows(
    architecture_id: str, family: Family, rule: FeatureRule | None
) -> Iterator[Composition]:
    """Yield what the architecture's own module does by itself."""
    is_dense = family.task not in (*OWN_HEAD_TASKS, "features", "optical_flow")
    words = [(family.task, family.name)] if is_dense else []
    if rule is None:
        words += [(task, "linear") for task in OWN_HEAD_TASKS.get(family.task, ())]
    if family.task in OWN_HEAD_TASKS:
        words.append(("features", IDENTITY))
    for task, word in words:
        yield Composition(
            backbone=architecture_id,
            family=family.name,
            task=task,
            head=word,
            neck="fpn" if "backbone.fpn" in family.neck_modules else NO_NECK,
            is_default=word != IDENTITY or rule is None,
            feature_maps=(),
            is_published=task == family.task or (task, family.task) == ("classification", "video"),
        )


def backbones_of(task: str, head: str = "") -> list[str]:
    """Return the backbones of a task, under one head or under any, by name."""
    rows = compositions()
    return sorted({row.backbone for row in rows if row.task == task and head in ("", row.head)})
