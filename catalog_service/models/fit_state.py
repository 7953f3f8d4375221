"""Matches the tensors of a source with a layout: what fits, what does not, and what was done to it.

Pure functions of tensors; nothing is drawn here and nothing is refused. Imports torch.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from catalog_service.models.attach import State
from catalog_service.models.dtypes import TORCH_DTYPES, spelling_of
from catalog_service.models.layout import LoadReport, ShapeMismatch, StateLayout, TensorInfo

COUNTER = "num_batches_tracked"
"""Missing in old files. Source: version 2 of BatchNorm's `_load_from_state_dict`."""

CASTABLE = frozenset({"F16", "BF16", "F32", "F64"})
"""Floats that may be cast to each other: the report names the rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """The part of a source that fits, and the names of all that does not."""

    state: dict[str, Tensor]
    """Name -> tensor with the layout's shape and dtype."""

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    misshapen: tuple[ShapeMismatch, ...]
    mistyped: tuple[str, ...]
    non_finite: tuple[str, ...]
    dropped: tuple[str, ...]
    filled: tuple[str, ...]
    rules: tuple[str, ...]

    @property
    def is_exact(self) -> bool:
        """Return whether every wanted tensor was there and nothing unknown was."""
        return not (self.missing or self.unexpected or self.misshapen or self.is_broken)

    @property
    def is_broken(self) -> bool:
        """Return whether some tensor cannot be meant: of another type, or not finite."""
        return bool(self.mistyped or self.non_finite)


@dataclass(slots=True)
class _Sorting:
    """Where each wanted tensor went; filled by `fit_state` and then frozen into a `Fit`."""

    state: dict[str, Tensor] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    misshapen: list[ShapeMismatch] = field(default_factory=list)
    mistyped: list[str] = field(default_factory=list)
    filled: list[str] = field(default_factory=list)
    casts: dict[str, int] = field(default_factory=dict)


def fit_state(source: State, wanted: Collection[TensorInfo], dropped: Collection[str]) -> Fit:
    """Return what `source` has of the `wanted` tensors.

    Args:
        source: canonical name -> tensor.
        dropped: names of the source that are left out on purpose.
    """
    sorting = _Sorting()
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
        rules=_rules(sorting),
    )


def report_of(fit: Fit, layout: StateLayout, initialised: Collection[str] = ()) -> LoadReport:
    """Return the report of a fit for the whole layout.

    Counters that were filled with zeros count neither as loaded nor against the coverage.
    """
    filled = set(fit.filled)
    loaded = [t for t in layout.tensors if t.name in fit.state and t.name not in filled]
    backbone = [t for t in layout.of_role("backbone") if t.name not in filled]
    names = {tensor.name for tensor in loaded}
    num_backbone = sum(tensor.num_elements for tensor in backbone)
    num_covered = sum(tensor.num_elements for tensor in backbone if tensor.name in names)
    return LoadReport(
        num_loaded=len(loaded),
        num_expected=len(layout.tensors),
        num_elements_loaded=sum(tensor.num_elements for tensor in loaded),
        num_elements_expected=sum(tensor.num_elements for tensor in layout.tensors),
        backbone_coverage=num_covered / num_backbone,
        missing=fit.missing,
        unexpected=fit.unexpected,
        misshapen=fit.misshapen,
        dropped=fit.dropped,
        initialised=tuple(t.name for t in layout.tensors if t.name in initialised),
        rules=fit.rules,
    )


def is_finite(tensor: Tensor) -> bool:
    """Return whether a tensor has neither NaN nor infinity."""
    return bool(tensor.isfinite().all())


def _sort(info: TensorInfo, source: Mapping[str, Tensor], sorting: _Sorting) -> None:
    tensor = source.get(info.name)
    if tensor is None:
        _sort_absent(info, sorting)
    elif tuple(tensor.shape) != info.shape:
        sorting.misshapen.append(
            ShapeMismatch(name=info.name, source_shape=tuple(tensor.shape), layout_shape=info.shape)
        )
    else:
        _sort_typed(info, tensor, sorting)


def _sort_absent(info: TensorInfo, sorting: _Sorting) -> None:
    if info.name.rpartition(".")[2] != COUNTER:
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


def _rules(sorting: _Sorting) -> tuple[str, ...]:
    casts = [f"{cast}: {count} tensors" for cast, count in sorting.casts.items()]
    filled = len(sorting.filled)
    return (*casts, *([f"{COUNTER} filled with 0: {filled} counters"] if filled else []))
