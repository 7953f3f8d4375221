"""What a recipe changes in a published backbone: its stem, its position table, what it leaves out.

Imports torch.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from catalog_service.models.fit_state import Adaptation
from catalog_service.models.fitting import State
from catalog_service.models.heads.known_rows import known_rows, published_name
from catalog_service.models.layout import StateLayout, TensorInfo, is_inside
from catalog_service.models.part_report import COUNTER
from catalog_service.models.position_table import (
    is_position_table,
    resize_position_table,
    table_grid,
    table_image_px,
)
from catalog_service.models.recipe import Recipe
from catalog_service.models.stem import adapt_kernels, stem_path

RANDOM_STEM = "random"
"""The adaptation that keeps nothing of the published first layer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Backbone tensors of a source that a model knowingly does not have, and why."""

    names: frozenset[str]
    rules: tuple[str, ...]


def adaptations(
    recipe: Recipe, layout: StateLayout, image_px: tuple[int, int] | None = None
) -> Mapping[str, Adaptation]:
    """Return how tensors get the form that a recipe wants: name in the model -> adaptation.

    Args:
        image_px: height and width of the images that the source's position table is for; None
            where it is one of a square.
    """
    found = {
        tensor.name: _resized(recipe, tensor, image_px)
        for tensor in layout.of_role("backbone")
        if is_position_table(recipe, tensor.name)
    }
    if recipe.stem is not None:
        found[f"{stem_path(recipe)}.weight"] = _adapted_stem(recipe.stem)
    return found


def drawn_on_request(recipe: Recipe) -> frozenset[str]:
    """Return the backbone tensors that a recipe wants to be random."""
    if recipe.stem is None or recipe.stem["adaptation"] != RANDOM_STEM:
        return frozenset()
    return frozenset({f"{stem_path(recipe)}.weight"})


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRows:
    """New head tensors with rows of the published one in them."""

    state: State
    rules: tuple[str, ...]


def with_known_rows(recipe: Recipe, published: State, drawn: State) -> KnownRows:
    """Return those of the `drawn` tensors that keep rows of classes that the recipe knows."""
    state = {}
    rules = []
    for name in drawn:
        rows, before = known_rows(recipe, name), published_name(recipe, name)
        if not rows or before not in published:
            continue
        state[name] = drawn[name].clone()
        for new, old in rows.items():
            state[name][new] = published[before][old].to(state[name].dtype)
        rules.append(f"{name}: kept {len(rows)} of {len(state[name])} rows, of known classes")
    return KnownRows(state=state, rules=tuple(sorted(rules)))


def _resized(recipe: Recipe, tensor: TensorInfo, image_px: tuple[int, int] | None) -> Adaptation:
    shape = tensor.shape

    def adapt(table: Tensor) -> Tensor:
        grid = table_grid(table, image_px)
        is_right = tuple(table.shape) == shape and _is_same_grid(image_px, table_image_px(recipe))
        if is_right or grid is None:  # a shape that does not fit is refused as such
            return table
        return resize_position_table(table, shape, recipe, grid)

    return Adaptation(adapt=adapt, rule=f"{tensor.name}: interpolated to {list(shape)}")


def _is_same_grid(image_px: tuple[int, int] | None, wanted: tuple[int, int]) -> bool:
    """Return whether two tables of one length have the same grid."""
    return image_px == wanted if image_px is not None else wanted[0] == wanted[1]


def _adapted_stem(stem: Mapping[str, Any]) -> Adaptation:
    in_channels, adaptation = int(stem["in_channels"]), str(stem["adaptation"])

    def adapt(weight: Tensor) -> Tensor:
        return adapt_kernels(weight, in_channels, adaptation)

    return Adaptation(
        adapt=adapt, rule=f"first layer adapted to {in_channels} channels: {adaptation}"
    )


def left_out(recipe: Recipe, layout: StateLayout, names: Iterable[str]) -> LeftOut:
    """Return which of a source's backbone tensors a model has no place for, by name.

    Frozen batch norm keeps no counters; a removed module has no tensors at all.
    """
    own = {tensor.name for tensor in layout.tensors}
    absent = [name for name in names if name not in own]
    removed = {
        name for name in absent if any(is_inside(name, path) for path in recipe.removed_modules)
    }
    counters = {name for name in absent if _is_of_frozen_norm(name, own)} - removed
    told = {
        f"removed modules: {len(removed)} tensors dropped": removed,
        f"frozen batch norm keeps no {COUNTER}: {len(counters)} counters dropped": counters,
    }
    return LeftOut(
        names=frozenset(removed | counters),
        rules=tuple(rule for rule, found in told.items() if found),
    )


def _is_of_frozen_norm(name: str, own: set[str]) -> bool:
    module, _, last = name.rpartition(".")
    return last == COUNTER and f"{module}.running_mean" in own
