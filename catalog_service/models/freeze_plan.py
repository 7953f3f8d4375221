"""Which parameters train under a freeze mode, and which modules are in training mode. Pure.

No torch here. The catalog describes with it, the trainer plans and enforces with it: both see the
same names.
"""

import re
from dataclasses import dataclass
from typing import Literal, Self, get_args

from catalog_service.errors import InvalidRequest
from catalog_service.models.layout import StateLayout, TensorInfo, is_inside
from catalog_service.models.plain_json import JsonObject, from_plain, to_plain

FreezeKind = Literal["full", "frozen_backbone", "last_blocks", "scratch"]
NormPolicy = Literal["batch_statistics", "frozen_statistics", "recalibrate"]


UNUSED = ("embeddings.mask_token",)
"""Ends of names of parameters that no image reaches, so that they never get a gradient. Source:
transformers, DINOv3ViTEmbeddings: it stands in for patches that are hidden in pretraining.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeMode:
    """Which parts train."""

    kind: str = "full"
    """One of `FreezeKind`."""

    num_blocks: int = 0
    """`last_blocks` only: stages counted from the head, at least 1."""

    def __str__(self) -> str:
        """Return `full`, `frozen_backbone`, `last_blocks(2)` or `scratch`."""
        return f"{self.kind}({self.num_blocks})" if self.kind == "last_blocks" else self.kind

    def to_json(self) -> JsonObject:
        """Return the mode as plain JSON."""
        plain: JsonObject = to_plain(self)
        return plain

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Return the mode that `to_json` wrote."""
        return from_plain(cls, data)


FULL = FreezeMode()
"""Everything trains that an image reaches."""


def freeze_mode_of(text: str) -> FreezeMode:
    """Return the mode that `str(mode)` wrote: `full`, `last_blocks(2)`.

    Raises:
        InvalidRequest: no such mode.
    """
    found = re.fullmatch(r"last_blocks\(([0-9]{1,4})\)", text)
    if found:
        return FreezeMode(kind="last_blocks", num_blocks=int(found.group(1)))
    if text not in get_args(FreezeKind) or text == "last_blocks":
        modes = "full, frozen_backbone, last_blocks(1) and scratch"
        raise InvalidRequest(f"no freeze mode {text[:100]!r}; modes are {modes}")
    return FreezeMode(kind=text)


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
    """`full`, `frozen_backbone`, `last_blocks(2)`, `scratch`."""

    norm: str
    """One of `NormPolicy`."""

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


def freeze_plan(
    layout: StateLayout, mode: FreezeMode, norm: str = "batch_statistics"
) -> FreezePlan:
    """Return what `mode` and `norm` mean for `layout`.

    Raises:
        InvalidRequest: an unknown mode or norm, or a bad `num_blocks`; names the stages.

    Source: torch.nn.BatchNorm2d; requires_grad=False does not stop its running statistics.
    """
    check_mode(layout, mode, norm)
    modules = _train_modules(layout, mode)
    trainable = frozenset(
        tensor.name
        for tensor in layout.tensors
        if not tensor.is_buffer and _lies(tensor, modules) and not tensor.name.endswith(UNUSED)
    )
    rows = _rows(layout, trainable)
    return FreezePlan(
        mode=str(mode),
        norm=norm,
        trainable=tuple(tensor.name for tensor in layout.tensors if tensor.name in trainable),
        train_modules=_without_tensors(layout, modules),
        frozen_norms=_frozen_norms(layout, modules, norm),
        rows=rows,
        num_trainable_parameters=sum(row.num_trainable_parameters for row in rows),
        num_frozen_parameters=sum(row.num_frozen_parameters for row in rows),
    )


def check_mode(layout: StateLayout, mode: FreezeMode, norm: str) -> None:
    """Raise `InvalidRequest` where `mode` or `norm` means nothing for `layout`."""
    if mode.kind not in get_args(FreezeKind):
        raise InvalidRequest(f"no freeze mode {mode.kind!r}; modes are {_either(FreezeKind)}")
    if norm not in get_args(NormPolicy):
        raise InvalidRequest(f"no norm policy {norm!r}; policies are {_either(NormPolicy)}")
    if mode.kind == "scratch" and norm != "batch_statistics":
        raise InvalidRequest(
            f"norm {norm!r} contradicts scratch: batch norms that start from nothing must train"
        )
    names = [stage.name for stage in layout.stages]
    if mode.kind == "last_blocks" and not 1 <= mode.num_blocks <= len(names):
        raise InvalidRequest(
            f"last_blocks({mode.num_blocks}) of {len(names)} stages; from the image side they are "
            f"{', '.join(names)}; num_blocks is between 1 and {len(names)}"
        )
    if mode.kind != "last_blocks" and mode.num_blocks:
        raise InvalidRequest(f"num_blocks={mode.num_blocks} means nothing for {mode.kind!r}")


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


def _train_modules(layout: StateLayout, mode: FreezeMode) -> tuple[str, ...]:
    if mode.kind in ("full", "scratch"):
        return ("",)
    stages = layout.stages[len(layout.stages) - mode.num_blocks :]
    modules = (module for stage in stages for module in stage.modules)
    return (*modules, *layout.head_modules, *layout.neck_modules, *_new_aux(layout))


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
    if norm == "batch_statistics":
        return ()
    return tuple(
        name for name in batch_norms(layout) if any(is_inside(name, module) for module in modules)
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


def _either(choices: object) -> str:
    return ", ".join(get_args(choices))
