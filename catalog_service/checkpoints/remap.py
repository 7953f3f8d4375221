"""From the names that training frameworks write to an architecture's canonical names. Pure.

Nothing is judged here: what is missing or misshapen stays so, and the strict fit names it.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from catalog_service.blobs.safetensors_file import TensorSpec
from catalog_service.checkpoints.scheme_names import SchemeNames, scheme_names
from catalog_service.checkpoints.trees import (
    TRANSPARENT_PARTS,
    StateAmbiguous,
    Tree,
    best_tree,
    own_parts,
    without_wrappers,
)
from catalog_service.errors import Precondition
from catalog_service.models.layout import StateLayout, TensorInfo
from catalog_service.models.rewrite import NO_REWRITE, Cut, Join, Rewrite
from catalog_service.weights.published_layouts import canonical_names, check_distinct

__all__ = ["Remap", "StateAmbiguous", "StateDiffers", "matched_elements", "remap"]


class StateDiffers(Precondition):
    """A file of names and shapes that fit, which computes something else."""

    reason = "STATE_MISMATCH"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remap:
    """What becomes of a file's tensors.

    Attributes:
        names: name in the file -> canonical name of what is kept; the name that `rewrite` reads
            where numbers are needed to say what becomes of it.
        dropped: names in the file of what is left out; `rewrite` looks at some of it before.
        rules: what fired.
        tree: where it was.
    """

    names: Mapping[str, str]
    dropped: tuple[str, ...]
    rules: tuple[str, ...]
    tree: Tree
    rewrite: Rewrite = NO_REWRITE


def remap(tensors: Sequence[TensorSpec], layout: StateLayout, family: str) -> Remap:
    """Return which tensors of a file belong to an architecture, and under which names.

    Tensors of modules that the architecture does not have (a projector, an optimizer's state) are
    dropped.

    Raises:
        StateAmbiguous: two trees in the file fit equally well.
        StateDiffers: the file is of code that computes something else with the same numbers.
        NamesCollide: two tensors would get one name.
    """
    plain = without_wrappers((tensor.name for tensor in tensors), layout)
    tree = best_tree(tensors, plain, layout, family)
    if tree.scheme is not None and tree.scheme.differs:
        raise StateDiffers(tree.scheme.differs)
    return remap_tree(tensors, layout, family, tree)


def remap_tree(
    tensors: Sequence[TensorSpec], layout: StateLayout, family: str, tree: Tree
) -> Remap:
    """Return the same for the tree that is given.

    Raises:
        NamesCollide: two tensors would get one name.
    """
    plain = without_wrappers((tensor.name for tensor in tensors), layout)
    prefix = tree.prefix
    inside = {old: new.removeprefix(prefix) for old, new in plain.items() if new.startswith(prefix)}
    rules = _wrapper_rules(tensors, layout)
    if prefix:
        rules.append(f"removed the prefix {prefix!r} ({len(inside)} names)")
    check_distinct(inside.values())
    if tree.scheme is not None:
        found = scheme_names(tree.scheme, layout, set(inside.values()))
    else:
        found = _own_names(layout, family, inside.values())
    kept = {old: found.names[new] for old, new in inside.items() if new in found.names}
    check_distinct(kept.values())
    read_only = found.rewrite.read_only
    return Remap(
        names=kept,
        dropped=tuple(t.name for t in tensors if kept.get(t.name, "") in {"", *read_only}),
        rules=(*rules, *found.rules),
        tree=tree,
        rewrite=found.rewrite,
    )


def _wrapper_rules(tensors: Iterable[TensorSpec], layout: StateLayout) -> list[str]:
    wrappers = TRANSPARENT_PARTS - own_parts(layout)
    names = [set(tensor.name.split(".")) for tensor in tensors]
    removed = Counter(part for parts in names for part in parts & wrappers)
    return [f"removed {part!r} ({count} names)" for part, count in sorted(removed.items())]


def _own_names(layout: StateLayout, family: str, names: Iterable[str]) -> SchemeNames:
    """Return the canonical names of what lies in modules that the architecture has."""
    canonical = canonical_names(family, names)
    own_modules = {_module(tensor.name) for tensor in layout.tensors}
    kept = {old: new for old, new in canonical.names.items() if _module(new) in own_modules}
    return SchemeNames(names=kept, rules=canonical.rules, rewrite=NO_REWRITE)


def _module(name: str) -> str:
    return name.partition(".")[0]


def matched_elements(mapped: Remap, tensors: Iterable[TensorSpec], layout: StateLayout) -> int:
    """Return how many numbers of the backbone a remapped file has in the right shape."""
    found = shapes_of(mapped, tensors)
    reshaped = frozenset(mapped.rewrite.reshaped)
    return sum(
        tensor.num_elements
        for tensor in layout.of_role("backbone")
        if fits(tensor, found.get(tensor.name), reshaped)
    )


def fits(tensor: TensorInfo, shape: tuple[int, ...] | None, reshaped: Set[str]) -> bool:
    """Return whether a tensor of the file has the shape that the layout wants."""
    if shape is None or tensor.name not in reshaped:
        return shape == tensor.shape
    return math.prod(shape) == tensor.num_elements


def shapes_of(mapped: Remap, tensors: Iterable[TensorSpec]) -> dict[str, tuple[int, ...]]:
    """Return canonical name -> shape, after what the rewrite cuts and joins."""
    found = {
        mapped.names[tensor.name]: tensor.shape for tensor in tensors if tensor.name in mapped.names
    }
    for cut in mapped.rewrite.cuts:
        _cut(found, cut)
    for join in mapped.rewrite.joins:
        _join(found, join)
    return {name: shape for name, shape in found.items() if name not in mapped.rewrite.read_only}


def _cut(found: dict[str, tuple[int, ...]], cut: Cut) -> None:
    shape = found[cut.source]
    if shape and shape[0] % len(cut.parts) == 0:
        del found[cut.source]
        part = (shape[0] // len(cut.parts), *shape[1:])
        found.update({name: part for name in cut.parts if name})


def _join(found: dict[str, tuple[int, ...]], join: Join) -> None:
    first = found[join.parts[0]]
    if first and all(found[part] == first for part in join.parts):
        found[join.name] = (first[0] * len(join.parts), *first[1:])
        for part in join.parts:
            del found[part]
