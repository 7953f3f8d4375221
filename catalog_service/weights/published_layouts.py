"""Names in published files -> canonical names, as tables with their sources. Pure.

torchvision repairs these names inside its own loaders and `_load_from_state_dict` hooks, which
nobody runs who reads the file as data. What needs no new name is not here: missing
`num_batches_tracked`, half-precision numbers and auxiliary heads are the model library's business.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from catalog_service.errors import Precondition, listed


class NamesCollide(Precondition):
    """Two tensors of a file would get one name."""

    reason = "STATE_MISMATCH"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename:
    """A family's historic spelling and the canonical one.

    Attributes:
        pattern, replacement: for `re.sub` on a whole name.
        source: the code that has it.
    """

    rule: str
    pattern: re.Pattern[str]
    replacement: str
    source: str


_FPN = (
    Rename(
        rule="fpn: {inner,layer}_blocks.N -> {inner,layer}_blocks.N.0",
        pattern=re.compile(r"(backbone\.fpn\.(?:inner|layer)_blocks\.\d+)\.(weight|bias)"),
        replacement=r"\1.0.\2",
        source="torchvision/ops/feature_pyramid_network.py, FeaturePyramidNetwork version < 2",
    ),
)

_RPN = (
    Rename(
        rule="rpn: head.conv -> head.conv.0.0",
        pattern=re.compile(r"(rpn\.head\.conv)\.(weight|bias)"),
        replacement=r"\1.0.0.\2",
        source="torchvision/models/detection/rpn.py, RPNHead version < 2",
    ),
)

_MASK_HEAD = tuple(
    Rename(
        rule=f"mask_head: mask_fcn{number} -> {number - 1}.0",
        pattern=re.compile(rf"(roi_heads\.mask_head)\.mask_fcn{number}\.(weight|bias)"),
        replacement=rf"\g<1>.{number - 1}.0.\g<2>",
        source="torchvision/models/detection/mask_rcnn.py, MaskRCNNHeads version < 2",
    )
    for number in range(1, 5)
)

_RETINANET_HEAD = tuple(
    Rename(
        rule=f"retinanet head: conv.{2 * index} -> conv.{index}.0",
        pattern=re.compile(rf"(head\.\w+_head\.conv)\.{2 * index}\.(weight|bias)"),
        replacement=rf"\g<1>.{index}.0.\g<2>",
        source="torchvision/models/detection/retinanet.py, _v1_to_v2_weights",
    )
    for index in range(4)
)

RENAMES: Mapping[str, tuple[Rename, ...]] = {
    "faster_rcnn": (*_FPN, *_RPN),
    "fcos": _FPN,
    "keypoint_rcnn": (*_FPN, *_RPN),
    "mask_rcnn": (*_FPN, *_RPN, *_MASK_HEAD),
    "retinanet": (*_FPN, *_RETINANET_HEAD),
    "dinov3_convnext": (
        Rename(
            rule="dinov3_convnext: stages -> model.stages",
            pattern=re.compile(r"(stages\.\d+\..+)"),
            replacement=r"model.\1",
            source="transformers/conversion_mapping.py, dinov3_convnext",
        ),
    ),
    "dinov3_vit": (
        Rename(
            rule="dinov3_vit: layer -> model.layer",
            pattern=re.compile(r"(layer\.\d+\..+)"),
            replacement=r"model.\1",
            source="transformers/conversion_mapping.py, dinov3_vit",
        ),
    ),
    "densenet": (
        Rename(
            rule="densenet: denselayerN.{norm,conv}.{1,2} -> denselayerN.{norm,conv}{1,2}",
            pattern=re.compile(r"(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\.\w+)"),
            replacement=r"\1\2",
            source="torchvision/models/densenet.py, _load_state_dict",
        ),
    ),
    "vit": (
        Rename(
            rule="vit: mlp.linear_1 -> mlp.0",
            pattern=re.compile(r"(encoder\.layers\.encoder_layer_\d+\.mlp)\.linear_1\.(\w+)"),
            replacement=r"\1.0.\2",
            source="torchvision/models/vision_transformer.py, MLPBlock version < 2",
        ),
        Rename(
            rule="vit: mlp.linear_2 -> mlp.3",
            pattern=re.compile(r"(encoder\.layers\.encoder_layer_\d+\.mlp)\.linear_2\.(\w+)"),
            replacement=r"\1.3.\2",
            source="torchvision/models/vision_transformer.py, MLPBlock version < 2",
        ),
    ),
}
"""By family. MNASNet has layout versions too, but with equal names: its shapes tell them apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CanonicalNames:
    """Name in the file -> canonical name, for every tensor, and the rules that fired."""

    names: Mapping[str, str]
    rules: tuple[str, ...]


def canonical_names(family: str, names: Iterable[str]) -> CanonicalNames:
    """Return every name's canonical spelling.

    Raises:
        NamesCollide: the file has a tensor under both spellings.
    """
    found = {name: name for name in names}
    rules = []
    for rename in RENAMES.get(family, ()):
        changed = {
            name: rename.pattern.sub(rename.replacement, current)
            for name, current in found.items()
            if rename.pattern.fullmatch(current)
        }
        if changed:
            rules.append(f"{rename.rule} ({len(changed)} names)")
        found |= changed
    check_distinct(found.values())
    return CanonicalNames(names=found, rules=tuple(rules))


def check_distinct(names: Iterable[str]) -> None:
    """Raises NamesCollide where a name comes twice: nobody may choose between two tensors."""
    doubled = sorted(name for name, count in Counter(names).items() if count > 1)
    if doubled:
        raise NamesCollide(
            f"the file has two tensors for each of {listed(doubled)}; write a file with one of them"
        )
