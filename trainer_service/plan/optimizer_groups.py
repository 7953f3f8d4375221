"""Which parameters share their learning rate and weight decay. Pure: names and numbers, no tensor.

A group is a set of parameters with one setting: the learning rate falls from the head to the first
stage, and vectors, tables and tokens are never decayed.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from catalog_service.models.freeze_phases import FreezePhase
from catalog_service.models.layout import StateLayout, TensorInfo, is_inside
from trainer_service.jobs import OptimizerGroup, OptimizerSpec

DECAYED = "weights"
UNDECAYED = "biases and norms"
"""Names of the two kinds of groups; that of its parts stands before, where it is not all of them.
"""

PROJECTION = "projection"
"""What SimCLR trains and throws away; not a part of the model's layout."""

UNDECAYED_TABLES = frozenset(
    {
        "class_token", "cls_token", "class_pos", "register_tokens", "mask_token",
        "pos_embedding", "spatial_pos", "temporal_pos",
        "rel_pos_h", "rel_pos_w", "rel_pos_t", "relative_position_bias_table",
        "layer_scale", "logit_scale",
    }
)  # fmt: skip
"""Last parts of names of parameters that decay would pull to zero for no reason although they are
no vectors: tokens, tables of positions, scales.

Source: timm's `no_weight_decay`; torchvision's references, `--transformer-embedding-decay`. The
names are those of torchvision and transformers.
"""

LR_PER_IMAGES = 256
"""Source: Goyal et al. 2017, arXiv:1706.02677, section 2.1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A stage, neck, head, auxiliary head or the projection, and what its learning rate is."""

    name: str
    tensors: tuple[TensorInfo, ...]
    lr: float


def is_decayed(tensor: TensorInfo) -> bool:
    """Whether weight decay applies: never to vectors, tables of positions, tokens and scales."""
    return len(tensor.shape) > 1 and tensor.name.rpartition(".")[2] not in UNDECAYED_TABLES


def effective_lr(optimizer: OptimizerSpec, batch_size: int) -> float:
    """Return the learning rate that the rule gives for this batch size."""
    factors = {
        "absolute": 1.0,
        "per_256_images": batch_size / LR_PER_IMAGES,
        "square_root": math.sqrt(batch_size),
    }
    return optimizer.lr * factors[optimizer.lr_rule]


def optimizer_groups(
    layout: StateLayout,
    phases: Sequence[FreezePhase],
    optimizer: OptimizerSpec,
    *,
    batch_size: int,
    projection: tuple[TensorInfo, ...] = (),
) -> tuple[OptimizerGroup, ...]:
    """Return the groups of the last one of these phases, weights first.

    Args:
        phases: the phase and all before it: what was let in later learns more slowly.
        projection: what trains besides the model.
    """
    scales = lr_scales(phases)
    lr = effective_lr(optimizer, batch_size)
    parts = list(_parts(layout, optimizer, lr))
    parts.append(_Part(name=PROJECTION, tensors=projection, lr=lr))
    scales |= {tensor.name: 1.0 for tensor in projection}
    return tuple(
        group
        for kind, decay in ((DECAYED, optimizer.weight_decay), (UNDECAYED, 0.0))
        for group in _groups_of_kind(kind, decay, parts, scales)
    )


def lr_scales(phases: Sequence[FreezePhase]) -> dict[str, float]:
    """Return what the learning rate of everything that trains is multiplied with, by name."""
    scales: dict[str, float] = {}
    for phase in phases:
        scale = phase.step.lr_scale if phase.step else 1.0
        scales = {name: scales.get(name, scale) for name in phase.plan.trainable}
    return scales


def _parts(layout: StateLayout, optimizer: OptimizerSpec, lr: float) -> Iterator[_Part]:
    """Yield the model's parts from the image side on."""
    backbone = layout.of_role("backbone")
    for number, stage in enumerate(layout.stages):
        depth = len(layout.stages) - number
        yield _Part(
            name=stage.name,
            tensors=tuple(t for t in backbone if _lies(t, stage.modules)),
            lr=lr * optimizer.backbone_lr_ratio * optimizer.layer_decay**depth,
        )
    for role in ("neck", "head", "aux"):
        yield _Part(name=role, tensors=layout.of_role(role), lr=lr)


def _groups_of_kind(
    kind: str, decay: float, parts: Sequence[_Part], scales: Mapping[str, float]
) -> Iterator[OptimizerGroup]:
    """Yield a group for every learning rate; the projection stays by itself."""
    held: dict[tuple[bool, float], list[tuple[str, TensorInfo]]] = {}
    for part in parts:
        for tensor in part.tensors:
            if tensor.name in scales and is_decayed(tensor) == (kind == DECAYED):
                key = (part.name == PROJECTION, part.lr * scales[tensor.name])
                held.setdefault(key, []).append((part.name, tensor))
    num_of_model = sum(not is_projection for is_projection, _ in held)
    for (is_projection, lr), members in held.items():
        names = tuple(dict.fromkeys(name for name, _ in members))
        is_all = num_of_model == 1 and not is_projection
        tensors = [tensor for _, tensor in members]
        yield OptimizerGroup(
            name=kind if is_all else f"{_words(names)} {kind}",
            lr=lr,
            weight_decay=decay,
            num_parameters=sum(tensor.num_elements for tensor in tensors),
            parameters=tuple(tensor.name for tensor in tensors),
        )


def _words(names: tuple[str, ...]) -> str:
    return ", ".join(names) if len(names) < 3 else f"{names[0]} to {names[-1]}"


def _lies(tensor: TensorInfo, modules: Iterable[str]) -> bool:
    return any(is_inside(tensor.name, module) for module in modules)
