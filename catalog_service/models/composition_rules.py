"""What heads and necks need of a backbone's maps, as data, and what is feasible by it. No torch.

A new head is one `HeadRule` here beside its function in `composed/`; a new neck is one `NeckRule`
beside its file in `necks/`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from catalog_service.errors import listed
from catalog_service.models.families.family import FeatureRule

T = TypeVar("T")

NO_NECK = "none"
CLASS_TOKEN = "class_token"
"""Name of an architecture's own vector among its maps."""

ROUNDING = 0.75
"""A map is fine enough for a head that wants stride 4 from stride 3 on: patches of 14 pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeckRule:
    """What a neck takes, and its settings."""

    kind: str
    min_maps: int = 1
    max_maps: int = 99
    settings: Mapping[str, Any] = field(default_factory=dict)
    scales: tuple[float, ...] = ()
    """Sizes of the maps that a neck makes of a single one, relative to it, finest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadRule:
    """What a head takes."""

    task: str
    word: str
    """What the task's `head` (the `output` of features) takes."""

    kind: str
    """Of the recipe's head."""

    necks: tuple[str, ...]
    """Feasible ones; the first that a backbone takes is its default."""

    min_stride_px: int = 4
    """Finer maps are left out."""

    max_maps_without_neck: int = 99
    """Without a neck it takes the coarsest ones, up to this many."""

    min_maps_without_neck: int = 1
    takes_ends: bool = False
    """It takes the finest and the coarsest of its maps alone."""

    samples_regions: bool = False
    """Regions are cut out of maps whose strides it rounds to powers of two."""

    resizes: bool = False
    """The model itself resizes and normalises its images."""

    is_dilated: bool = False
    """Without a neck, the trunk's last maps are kept finer where it can do so."""

    has_aux: bool = False
    """Has an auxiliary head on the last map but one."""


NECKS: Mapping[str, NeckRule] = {
    rule.kind: rule
    for rule in (
        NeckRule(kind="fpn", min_maps=2, settings={"num_channels": 256}),
        NeckRule(kind="bifpn", min_maps=2, settings={"num_channels": 128, "num_repeats": 3}),
        NeckRule(kind="pafpn", min_maps=2, settings={"num_channels": 256}),
        NeckRule(kind="transformer_encoder", settings={"num_channels": 256, "num_layers": 3}),
        NeckRule(
            kind="simple_pyramid",
            max_maps=1,
            settings={"num_channels": 256},
            scales=(4, 2, 1, 0.5),
        ),
    )
}
"""Widths: FPN, PANet and ViTDet 256 as published; BiFPN between EfficientDet-D2 (112) and D3 (160)
with D0's three repeats; the encoder DETR's 256 with half of its six layers.
"""

_PYRAMIDS = ("fpn", "simple_pyramid", "bifpn", "pafpn", "transformer_encoder")
_ANY = (NO_NECK, *_PYRAMIDS)

HEADS: tuple[HeadRule, ...] = (
    HeadRule(
        task="classification",
        word="linear",
        kind="pooled",
        necks=(NO_NECK,),
        max_maps_without_neck=1,
    ),
    HeadRule(
        task="regression", word="linear", kind="pooled", necks=(NO_NECK,), max_maps_without_neck=1
    ),
    HeadRule(
        task="features", word="pooled", kind="pooled", necks=(NO_NECK,), max_maps_without_neck=1
    ),
    HeadRule(task="features", word="pyramid", kind="pyramid", necks=_ANY),
    HeadRule(
        task="segmentation",
        word="fcn",
        kind="fcn",
        necks=_ANY,
        max_maps_without_neck=1,
        is_dilated=True,
        has_aux=True,
    ),
    HeadRule(
        task="segmentation",
        word="deeplabv3",
        kind="deeplabv3",
        necks=_ANY,
        max_maps_without_neck=1,
        is_dilated=True,
        has_aux=True,
    ),
    HeadRule(
        task="segmentation",
        word="lraspp",
        kind="lraspp",
        necks=_ANY,
        min_stride_px=8,
        min_maps_without_neck=2,
        takes_ends=True,
        is_dilated=True,
    ),
    HeadRule(
        task="detection",
        word="faster_rcnn",
        kind="faster_rcnn",
        necks=(*_PYRAMIDS, NO_NECK),
        max_maps_without_neck=1,
        samples_regions=True,
        resizes=True,
    ),
    HeadRule(
        task="detection",
        word="retinanet",
        kind="retinanet",
        necks=_PYRAMIDS,
        min_stride_px=8,
        resizes=True,
    ),
    HeadRule(
        task="detection",
        word="fcos",
        kind="fcos",
        necks=_PYRAMIDS,
        min_stride_px=8,
        resizes=True,
    ),
    HeadRule(
        task="instance_segmentation",
        word="mask_rcnn",
        kind="mask_rcnn",
        necks=(*_PYRAMIDS, NO_NECK),
        max_maps_without_neck=1,
        samples_regions=True,
        resizes=True,
    ),
    HeadRule(
        task="keypoints",
        word="keypoint_rcnn",
        kind="keypoint_rcnn",
        necks=(*_PYRAMIDS, NO_NECK),
        max_maps_without_neck=1,
        samples_regions=True,
        resizes=True,
    ),
)
"""For each task, the first that a backbone takes is its default. One-stage detectors start at
stride 8 and need a neck, as published: their heads are as deep as their maps are wide.
"""


def default_of(rule: FeatureRule, task: str) -> tuple[str, str]:
    """Return head and neck of a task that a backbone takes first; empty where none goes."""
    for head in HEADS:
        if head.task != task:
            continue
        for neck in head.necks:
            if not why_not(rule, head, neck):
                return head.word, neck
    return "", ""


def why_not(rule: FeatureRule, head: HeadRule, neck: str) -> str:
    """Return why a neck does not go under a head on these maps; empty where it does."""
    if neck not in head.necks:
        takes = "no neck" if head.necks == (NO_NECK,) else listed(head.necks)
        return f"{head.word} takes {takes}"
    if head.samples_regions and any(stride & (stride - 1) for stride in rule.strides):
        return f"{head.word} needs strides that are powers of two, not {rule.strides[-1]} pixels"
    names = taken_maps(rule, head, neck, has_aux=False)
    if neck == NO_NECK:
        few = len(names) < head.min_maps_without_neck
        return _needs(head.word, head.min_maps_without_neck, names) if few else ""
    if len(names) < NECKS[neck].min_maps:
        return _needs(neck, NECKS[neck].min_maps, names)
    if len(names) > NECKS[neck].max_maps:
        return f"{neck} takes one map of a plain transformer, and there are {len(names)}"
    return ""


def _needs(what: str, num_maps: int, names: Sequence[str]) -> str:
    return f"{what} needs {num_maps} maps of different sizes, and there is {listed(names)}"


def taken_maps(rule: FeatureRule, head: HeadRule, neck: str, *, has_aux: bool) -> tuple[str, ...]:
    """Return the names of the maps that neck or head takes, finest first."""
    rows = list(zip(rule.taps, rule.strides, strict=True))
    names = [name for name, stride in rows if stride >= ROUNDING * head.min_stride_px]
    if neck == NO_NECK:
        most = head.max_maps_without_neck + (1 if has_aux else 0)
        names = names[-most:]
    return ends(names) if head.takes_ends else tuple(names)


def ends(items: Sequence[T]) -> tuple[T, ...]:
    """Return the first and the last of some; the only one once."""
    return (items[0], items[-1]) if len(items) > 1 else tuple(items)
