"""From the names that training frameworks write to an architecture's canonical names. Pure.

Wrappers add path parts (`module.`, `_orig_mod.`) and trees around the backbone (`model.backbone.`).
Which tree is the backbone is decided by names and shapes, never by guessing from a word.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from catalog_service.blobs.safetensors_file import TensorSpec
from catalog_service.checkpoints.scheme_names import SchemeNames, elements_by_name, scheme_names
from catalog_service.errors import MAX_LISTED, Precondition, listed
from catalog_service.models.layout import StateLayout
from catalog_service.models.rewrite import NO_REWRITE, Rewrite
from catalog_service.weights.dinov3_schemes import SCHEMES
from catalog_service.weights.naming_scheme import Scheme
from catalog_service.weights.published_layouts import canonical_names, check_distinct

TRANSPARENT_PARTS = frozenset(
    {"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
)
"""Path parts that wrappers insert at any depth: DistributedDataParallel, torch.compile, FSDP and
activation checkpointing. Source: torch/nn/parallel/distributed.py, torch/_dynamo/eval_frame.py,
torch/distributed/algorithms/_checkpoint/checkpoint_wrapper.py."""

AMBIGUOUS_RATIO = 0.99
"""Two trees that fit this equally well (student and teacher) are for a person to choose from."""


class StateAmbiguous(Precondition):
    """Several trees of a file fit the architecture."""

    reason = "STATE_MISMATCH"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remap:
    """What becomes of a file's tensors.

    Attributes:
        names: name in the file -> canonical name of what is kept; the name that `rewrite` reads
            where numbers are needed to say what becomes of it.
        dropped: names in the file of what is left out; `rewrite` looks at some of it before.
        rules: what fired.
    """

    names: Mapping[str, str]
    dropped: tuple[str, ...]
    rules: tuple[str, ...]
    rewrite: Rewrite = NO_REWRITE


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tree:
    """Where a file has a backbone, and whose names it has there; None: ours."""

    prefix: str
    num_elements: int
    scheme: Scheme | None = None


def remap(tensors: Sequence[TensorSpec], layout: StateLayout, family: str) -> Remap:
    """Return which tensors of a file belong to an architecture, and under which names.

    Tensors of modules that the architecture does not have (a projector, an optimizer's state) are
    dropped. Nothing is judged here: what is missing or misshapen stays so.

    Raises:
        StateAmbiguous: two trees in the file fit equally well.
        NamesCollide: two tensors would get one name.
    """
    plain, rules = _without_wrappers(tensors, layout)
    tree = _best_tree(plain, layout, family)
    prefix = tree.prefix
    inside = {old: new.removeprefix(prefix) for old, new in plain.items() if new.startswith(prefix)}
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
        rewrite=found.rewrite,
    )


def _own_names(layout: StateLayout, family: str, names: Iterable[str]) -> SchemeNames:
    """Return the canonical names of what lies in modules that the architecture has."""
    canonical = canonical_names(family, names)
    own_modules = {tensor.name.partition(".")[0] for tensor in layout.tensors}
    kept = {old: new for old, new in canonical.names.items() if _module(new) in own_modules}
    return SchemeNames(names=kept, rules=canonical.rules, rewrite=NO_REWRITE)


def _module(name: str) -> str:
    return name.partition(".")[0]


def matched_elements(mapped: Remap, tensors: Iterable[TensorSpec], layout: StateLayout) -> int:
    """Return how many numbers of the backbone a remapped file has in the right shape."""
    shapes = {tensor.name: tensor.shape for tensor in layout.of_role("backbone")}
    parts = {cut.source: cut.parts for cut in mapped.rewrite.cuts}
    found = 0
    for tensor in tensors:
        name = mapped.names.get(tensor.name, "")
        of_name = parts.get(name, (name,))
        shape = _part_shape(tensor.shape, len(of_name))
        found += math.prod(shape) * sum(shapes.get(part) == shape for part in of_name)
    return found


def _part_shape(shape: tuple[int, ...], num_parts: int) -> tuple[int, ...]:
    return (shape[0] // num_parts, *shape[1:]) if num_parts > 1 and shape else shape


def _without_wrappers(
    tensors: Sequence[TensorSpec], layout: StateLayout
) -> tuple[dict[str, str], list[str]]:
    """Remove transparent parts at any depth, unless the architecture has modules of that name."""
    own = {part for tensor in layout.tensors for part in tensor.name.split(".")}
    wrappers = TRANSPARENT_PARTS - own
    removed: dict[str, int] = defaultdict(int)
    names = {}
    for tensor in tensors:
        parts = tensor.name.split(".")
        names[tensor.name] = ".".join(part for part in parts if part not in wrappers)
        for part in wrappers.intersection(parts):
            removed[part] += 1
    return names, [f"removed {part!r} ({count} names)" for part, count in sorted(removed.items())]


def _best_tree(names: Mapping[str, str], layout: StateLayout, family: str) -> _Tree:
    """Return the tree that has most of the backbone, under our names or those of a scheme."""
    own = {tensor.name: tensor.num_elements for tensor in layout.of_role("backbone")}
    schemes = SCHEMES.get(family, ())
    trees = [
        _best_prefix(names, own, None),
        *(_best_prefix(names, elements_by_name(scheme, layout), scheme) for scheme in schemes),
    ]
    best = max(trees, key=lambda tree: tree[0].num_elements)  # the first of equals: our own names
    tree, equal = best
    if len(equal) > 1:
        raise StateAmbiguous(
            f"{listed([repr(prefix) for prefix in equal])} hold a backbone each; "
            "upload a file with one of them",
            metadata={"prefixes": " ".join(equal[:MAX_LISTED])},
        )
    return tree


def _best_prefix(
    names: Mapping[str, str], backbone: Mapping[str, int], scheme: Scheme | None
) -> tuple[_Tree, list[str]]:
    """Return what stands before the tree that has most of the backbone's names, and which other
    prefixes are as good.

    A prefix must end at a dot, so `backbone.` is removed from names, not letters from their start.

    Args:
        backbone: name -> how many numbers.
    """
    found: dict[str, int] = defaultdict(int)
    for name in names.values():
        for prefix, rest in _splits(name):
            if rest in backbone:
                found[prefix] += backbone[rest]
    if not found:
        return _Tree(prefix="", num_elements=0, scheme=scheme), []
    ranked = sorted(found, key=lambda prefix: (-found[prefix], len(prefix)))
    best = ranked[0]
    equal = [prefix for prefix in ranked if found[prefix] >= AMBIGUOUS_RATIO * found[best]]
    return _Tree(prefix=best, num_elements=found[best], scheme=scheme), equal


def _splits(name: str) -> Iterable[tuple[str, str]]:
    """Yield `("", "a.b.c"), ("a.", "b.c"), ("a.b.", "c")`."""
    start = 0
    while True:
        yield name[:start], name[start:]
        dot = name.find(".", start)
        if dot < 0:
            return
        start = dot + 1
