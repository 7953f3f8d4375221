"""Which parameters train under a freeze mode, and which modules are in training mode. Pure.

No torch here. The catalog describes with it, the trainer plans and enforces with it: both see the
same names.
"""

from dataclasses import dataclass
from typing import Self

from catalog_service.errors import InvalidRequest
from catalog_service.models.freeze_mode import (
    FULL,
    FreezeKind,
    FreezeMode,
    NormPolicy,
    UnfreezeStep,
    check_words,
    freeze_mode_of,
)
from catalog_service.models.freeze_patterns import named_by
from catalog_service.models.layout import StateLayout, TensorInfo, is_inside
from catalog_service.models.plain_json import JsonObject, from_plain, to_plain

__all__ = [
    "FULL",
    "FreezeKind",
    "FreezeMode",
    "FreezePlan",
    "NormPolicy",
    "PlanRow",
    "UnfreezeStep",
    "batch_norms",
    "check_mode",
    "freeze_mode_of",
    "freeze_plan",
]

UNUSED = ("embeddings.mask_token",)
"""Ends of names of parameters that no image reaches, so that they never get a gradient. Source:
transformers, DINOv3ViTEmbeddings: it stands in for patches that are hidden in pretraining.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRow:
    """A line of the table that people see: a stage, `head`, or `aux`."""

    name: str
    num_trainable_parameters: int
    num_frozen_parameters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezePlan:
    """What a mode means for one layout."""

    mode: str
    """`full`, `frozen_backbone`, `last_blocks(2)`, `scratch`, `gradual`, `custom`, `norm_only`."""

    norm: str
    """One of `NormPolicy`; the usual one of the mode is spelled out."""

    trainable: tuple[str, ...]
    """Names of the parameters that train, in the layout's order. No other has requires_grad."""

    train_modules: tuple[str, ...]
    """Roots in training mode; `""` is the whole model. Everything else is in evaluation mode, so
    its dropout and drop-path are off and its batch-norm statistics stand still.
    """

    frozen_norms: tuple[str, ...]
    """Batch norms inside `train_modules` that stay in evaluation mode all the same."""

    rows: tuple[PlanRow, ...]
    """Stages from the image side, then `head`, then `aux` where there is one."""

    num_trainable_parameters: int
    num_frozen_parameters: int

    def to_json(self) -> JsonObject:
        """Return the plan as plain JSON."""
        plain: JsonObject = to_plain(self)
        return plain

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Return the plan that `to_json` wrote."""
        return from_plain(cls, data)


def freeze_plan(layout: StateLayout, mode: FreezeMode, norm: str = "") -> FreezePlan:
    """Return what `mode` and `norm` mean for `layout`; of a gradual mode its first phase.

    Args:
        norm: empty means the mode's usual one.

    Raises:
        InvalidRequest: an unknown mode or norm, a bad `num_blocks` (names the stages), or a pattern
            that names nothing.

    Source: torch.nn.BatchNorm2d; requires_grad=False does not stop its running statistics.
    """
    check_mode(layout, mode, norm)
    modules, trainable = _parts(layout, mode)
    rows = _rows(layout, trainable)
    policy = norm or mode.usual_norm
    return FreezePlan(
        mode=str(mode),
        norm=policy,
        trainable=tuple(tensor.name for tensor in layout.tensors if tensor.name in trainable),
        train_modules=_without_tensors(layout, modules),
        frozen_norms=_frozen_norms(layout, modules, policy),
        rows=rows,
        num_trainable_parameters=sum(row.num_trainable_parameters for row in rows),
        num_frozen_parameters=sum(row.num_frozen_parameters for row in rows),
    )


def check_mode(layout: StateLayout, mode: FreezeMode, norm: str) -> None:
    """Raise `InvalidRequest` where `mode` or `norm` means nothing for `layout`."""
    check_words(mode, norm)
    if mode.kind == "last_blocks":
        check_num_blocks(layout, mode.num_blocks, str(mode), least=1)
    for step in mode.steps:
        check_num_blocks(layout, step.num_blocks, f"num_blocks {step.num_blocks}", least=0)


def check_num_blocks(layout: StateLayout, num_blocks: int, asked: str, *, least: int) -> None:
    """Raise `InvalidRequest`, with the names of the stages, where there are not so many."""
    names = [stage.name for stage in layout.stages]
    if not least <= num_blocks <= len(names):
        raise InvalidRequest(
            f"{asked} of {len(names)} stages; from the image side they are "
            f"{', '.join(names)}; num_blocks is between {least} and {len(names)}"
        )


def batch_norms(layout: StateLayout) -> tuple[str, ...]:
    """Return the paths of the batch norms whose statistics move, in the layout's order.

    They count their batches. The frozen ones of torchvision's detectors do not, and never move.
    """
    suffix = ".num_batches_tracked"
    return tuple(
        tensor.name.removesuffix(suffix)
        for tensor in layout.tensors
        if tensor.is_buffer and tensor.name.endswith(suffix)
    )


def _parts(layout: StateLayout, mode: FreezeMode) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return the modules in training mode, and the names of what trains."""
    if mode.kind == "custom":
        return _custom_parts(layout, mode)
    modules = _train_modules(layout, mode)
    trainable = _inside(layout, modules)
    if mode.kind == "norm_only":
        trainable |= _norm_parameters(layout)
    return modules, trainable


def _train_modules(layout: StateLayout, mode: FreezeMode) -> tuple[str, ...]:
    if mode.kind in ("full", "scratch"):
        return ("",)
    stages = layout.stages[len(layout.stages) - mode.num_blocks :]
    return (*(module for stage in stages for module in stage.modules), *_new_parts(layout))


def _new_parts(layout: StateLayout) -> tuple[str, ...]:
    """Return what trains in every mode: head, neck, and what is new in auxiliary heads."""
    return (*layout.head_modules, *layout.neck_modules, *_new_aux(layout))


def _custom_parts(layout: StateLayout, mode: FreezeMode) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return what the patterns say. A module is in training mode where all of it trains."""
    usable = _inside(layout, ("",))
    names = [tensor.name for tensor in layout.tensors if not tensor.is_buffer]
    named = named_by(mode.trainable_patterns, names, field="custom.trainable") & usable
    frozen = named_by(mode.frozen_patterns, names, field="custom.frozen")
    trainable = (named | _inside(layout, _new_parts(layout))) - frozen
    if not trainable:
        raise InvalidRequest("custom.frozen leaves nothing that trains")
    groups = [stage.modules for stage in layout.stages]
    groups += [(module,) for module in _new_parts(layout)]
    roots = [root for group in groups for root in _whole_modules(group, usable, trainable)]
    return tuple(dict.fromkeys(roots)), trainable


def _whole_modules(
    modules: tuple[str, ...], usable: frozenset[str], trainable: frozenset[str]
) -> tuple[str, ...]:
    """Return the largest modules of a part all of whose parameters train; a part that trains
    whole keeps its modules without parameters, such as dropout.
    """
    inside = {name for name in usable if any(is_inside(name, module) for module in modules)}
    if inside <= trainable:
        return modules if inside else ()
    broken = {path for name in inside - trainable for path in _ancestors(name)}
    whole: list[str] = []
    for name in sorted(inside & trainable):
        own = (path for path in _ancestors(name) if any(is_inside(path, each) for each in modules))
        whole += [path for path in own if path not in broken][:1]
    return tuple(dict.fromkeys(whole))


def _ancestors(name: str) -> tuple[str, ...]:
    """Return the modules that hold a tensor, the outermost first."""
    parts = name.split(".")
    return tuple(".".join(parts[:length]) for length in range(1, len(parts)))


def _inside(layout: StateLayout, modules: tuple[str, ...]) -> frozenset[str]:
    """Return the parameters in these modules that an image reaches."""
    return frozenset(
        tensor.name
        for tensor in layout.tensors
        if not tensor.is_buffer and _lies(tensor, modules) and not tensor.name.endswith(UNUSED)
    )


def _norm_parameters(layout: StateLayout) -> frozenset[str]:
    """Return the weights and biases of the backbone's norms: vectors of one length in one module,
    which no other kind of layer has.
    """
    vectors = {
        tensor.name: tensor.shape
        for tensor in layout.of_role("backbone")
        if not tensor.is_buffer and len(tensor.shape) == 1
    }
    owners = {name.removesuffix(".weight") for name in vectors if name.endswith(".weight")}
    return frozenset(
        f"{owner}.{part}"
        for owner in owners
        if vectors[f"{owner}.weight"] == vectors.get(f"{owner}.bias")
        for part in ("weight", "bias")
    )


def _new_aux(layout: StateLayout) -> tuple[str, ...]:
    """Return what is new in auxiliary heads: the published rest stays with its backbone."""
    return tuple(
        path
        for path in layout.replaced_modules
        if any(is_inside(path, module) for module in layout.aux_modules)
    )


def _lies(tensor: TensorInfo, modules: tuple[str, ...]) -> bool:
    return any(is_inside(tensor.name, module) for module in modules)


def _without_tensors(layout: StateLayout, modules: tuple[str, ...]) -> tuple[str, ...]:
    names = {tensor.name for tensor in layout.tensors}
    return tuple(module for module in modules if module not in names)


def _frozen_norms(layout: StateLayout, modules: tuple[str, ...], norm: str) -> tuple[str, ...]:
    """Return the norms that keep their statistics: not the new ones, which have none to keep."""
    if norm == "batch_statistics":
        return ()
    return tuple(
        name
        for name in batch_norms(layout)
        if any(is_inside(name, module) for module in modules)
        and not any(is_inside(name, module) for module in layout.replaced_modules)
    )


def _rows(layout: StateLayout, trainable: frozenset[str]) -> tuple[PlanRow, ...]:
    backbone = layout.of_role("backbone")
    rows = [
        _row(stage.name, [t for t in backbone if _lies(t, stage.modules)], trainable)
        for stage in layout.stages
    ]
    rows.append(_row("head", layout.of_role("head"), trainable))
    for role in ("neck", "aux"):
        if layout.of_role(role):
            rows.append(_row(role, layout.of_role(role), trainable))
    return tuple(rows)


def _row(
    name: str, tensors: list[TensorInfo] | tuple[TensorInfo, ...], trainable: frozenset[str]
) -> PlanRow:
    total = sum(tensor.num_parameters for tensor in tensors)
    moving = sum(tensor.num_parameters for tensor in tensors if tensor.name in trainable)
    return PlanRow(name=name, num_trainable_parameters=moving, num_frozen_parameters=total - moving)
