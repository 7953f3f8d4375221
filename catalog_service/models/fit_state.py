"""Matches the tensors of a source with a layout: what fits, what does not, and what was done to it.

Pure functions of tensors; nothing is drawn here and nothing is refused. Imports torch.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from catalog_service.models.dtypes import TORCH_DTYPES, spelling_of
from catalog_service.models.fitting import State
from catalog_service.models.layout import ShapeMismatch, TensorInfo
from catalog_service.models.part_report import COUNTER, PartReport

CASTABLE = frozenset({"F16", "BF16", "F32", "F64"})
"""Floats that may be cast to each other: the report names the rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adaptation:
    """Why a source's tensor may have another shape than the layout's, and how it gets this one."""

    adapt: Callable[[Tensor], Tensor]
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """The part of a source that fits, and the names of all that does not."""

    state: Mapping[str, Tensor] = field(default_factory=dict)
    """Name -> tensor with the layout's shape and dtype."""

    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    misshapen: tuple[ShapeMismatch, ...] = ()
    mistyped: tuple[str, ...] = ()
    non_finite: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()
    casts: Mapping[str, int] = field(default_factory=dict)
    rules: tuple[str, ...] = ()

    @property
    def is_exact(self) -> bool:
        """Return whether every wanted tensor was there and nothing unknown was."""
        return not (self.missing or self.unexpected or self.misshapen or self.is_broken)

    @property
    def is_broken(self) -> bool:
        """Return whether some tensor cannot be meant: of another type, or not finite."""
        return bool(self.mistyped or self.non_finite)

    @property
    def has_loaded(self) -> bool:
        """Return whether anything at all came from the source."""
        return bool(self.state.keys() - set(self.filled))


@dataclass(slots=True)
class _Sorting:
    """Where each wanted tensor went; filled by `fit_state` and then frozen into a `Fit`."""

    adaptations: Mapping[str, Adaptation]
    zeros: Collection[str]
    state: dict[str, Tensor] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    misshapen: list[ShapeMismatch] = field(default_factory=list)
    mistyped: list[str] = field(default_factory=list)
    filled: list[str] = field(default_factory=list)
    casts: dict[str, int] = field(default_factory=dict)
    rules: list[str] = field(default_factory=list)


def fit_state(
    source: State,
    wanted: Collection[TensorInfo],
    dropped: Collection[str],
    adaptations: Mapping[str, Adaptation] | None = None,
    zeros: Collection[str] = (),
) -> Fit:
    """Return what `source` has of the `wanted` tensors.

    Args:
        source: name in the model -> tensor.
        dropped: names of the source that are left out on purpose.
        adaptations: of tensors that the recipe wants otherwise than they were published.
        zeros: what the source may lack because it is 0, beside counters.
    """
    sorting = _Sorting(adaptations=adaptations or {}, zeros=zeros)
    for info in wanted:
        _sort(info, source, sorting)
    known = {info.name for info in wanted} | set(dropped)
    return Fit(
        state=sorting.state,
        missing=tuple(sorting.missing),
        unexpected=tuple(name for name in source if name not in known),
        misshapen=tuple(sorting.misshapen),
        mistyped=tuple(sorting.mistyped),
        non_finite=tuple(name for name, tensor in sorting.state.items() if not is_finite(tensor)),
        dropped=tuple(name for name in source if name in dropped),
        filled=tuple(sorting.filled),
        casts=sorting.casts,
        rules=tuple(sorting.rules),
    )


def report_of(
    fit: Fit, initialised: Collection[str] = (), dropped: Collection[str] = ()
) -> PartReport:
    """Return the report of a part: its fit, what was drawn, and what else was left out."""
    filled = set(fit.filled)
    loaded = [tensor for name, tensor in fit.state.items() if name not in filled]
    return PartReport(
        num_loaded=len(loaded),
        num_elements_loaded=sum(tensor.numel() for tensor in loaded),
        num_filled=sum(name.rpartition(".")[2] == COUNTER for name in filled),
        num_elements_filled=sum(fit.state[name].numel() for name in filled),
        missing=fit.missing,
        unexpected=fit.unexpected,
        misshapen=fit.misshapen,
        dropped=(*fit.dropped, *dropped),
        initialised=tuple(initialised),
        casts=fit.casts,
        rules=fit.rules,
    )


def is_finite(tensor: Tensor) -> bool:
    """Return whether a tensor has neither NaN nor infinity."""
    return bool(tensor.isfinite().all())


def _sort(info: TensorInfo, source: Mapping[str, Tensor], sorting: _Sorting) -> None:
    found = source.get(info.name)
    if found is None:
        _sort_absent(info, sorting)
        return
    tensor = _adapted(info, found, sorting)
    if tuple(tensor.shape) != info.shape:
        sorting.misshapen.append(
            ShapeMismatch(name=info.name, source_shape=tuple(found.shape), layout_shape=info.shape)
        )
    else:
        _sort_typed(info, tensor, sorting)


def _adapted(info: TensorInfo, tensor: Tensor, sorting: _Sorting) -> Tensor:
    adaptation = sorting.adaptations.get(info.name)
    if adaptation is None:
        return tensor
    adapted = adaptation.adapt(tensor)
    if adapted is not tensor:
        sorting.rules.append(adaptation.rule)
    return adapted


def _sort_absent(info: TensorInfo, sorting: _Sorting) -> None:
    if info.name.rpartition(".")[2] != COUNTER and info.name not in sorting.zeros:
        sorting.missing.append(info.name)
        return
    sorting.state[info.name] = torch.zeros(info.shape, dtype=TORCH_DTYPES[info.dtype])
    sorting.filled.append(info.name)


def _sort_typed(info: TensorInfo, tensor: Tensor, sorting: _Sorting) -> None:
    found = spelling_of(tensor.dtype)
    if found == info.dtype:
        sorting.state[info.name] = tensor
    elif {found, info.dtype} <= CASTABLE:
        sorting.state[info.name] = tensor.to(TORCH_DTYPES[info.dtype])
        cast = f"{found} -> {info.dtype}"
        sorting.casts[cast] = sorting.casts.get(cast, 0) + 1
    else:
        sorting.mistyped.append(f"{info.name}: {found}, not {info.dtype}")
