"""From the names that training frameworks write to an architecture's canonical names. Pure.

Wrappers add path parts (`module.`, `_orig_mod.`) and trees around the backbone (`model.backbone.`).
Which tree is the backbone is decided by names and shapes, never by guessing from a word.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from catalog_service.blobs.safetensors_file import TensorSpec
from catalog_service.errors import MAX_LISTED, Precondition, listed
from catalog_service.models.layout import StateLayout
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
    """Name in the file -> canonical name of what is kept; what is dropped; the rules that fired."""

    names: Mapping[str, str]
    dropped: tuple[str, ...]
    rules: tuple[str, ...]


def remap(tensors: Sequence[TensorSpec], layout: StateLayout, family: str) -> Remap:
    """Return which tensors of a file belong to an architecture, and under which names.

    Tensors of modules that the architecture does not have (a projector, an optimizer's state) are
    dropped. Nothing is judged here: what is missing or misshapen stays so.

    Raises:
        StateAmbiguous: two trees in the file fit equally well.
        NamesCollide: two tensors would get one name.
    """
    plain, rules = _without_wrappers(tensors, layout)
    prefix = _best_prefix(plain, layout)
    inside = {old: new.removeprefix(prefix) for old, new in plain.items() if new.startswith(prefix)}
    if prefix:
        rules.append(f"removed the prefix {prefix!r} ({len(inside)} names)")
    check_distinct(inside.values())
    canonical = canonical_names(family, inside.values())
    own_modules = {tensor.name.partition(".")[0] for tensor in layout.tensors}
    named = {old: canonical.names[new] for old, new in inside.items()}
    kept = {old: new for old, new in named.items() if new.partition(".")[0] in own_modules}
    return Remap(
        names=kept,
        dropped=tuple(tensor.name for tensor in tensors if tensor.name not in kept),
        rules=(*rules, *canonical.rules),
    )


def matched_elements(
    names: Mapping[str, str], tensors: Iterable[TensorSpec], layout: StateLayout
) -> int:
    """Return how many numbers of the backbone a remapped file has in the right shape."""
    shapes = {tensor.name: tensor.shape for tensor in layout.of_role("backbone")}
    return sum(
        math.prod(tensor.shape)
        for tensor in tensors
        if tensor.name in names and shapes.get(names[tensor.name]) == tensor.shape
    )


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


def _best_prefix(names: Mapping[str, str], layout: StateLayout) -> str:
    """Return what stands before the tree that has most of the backbone's names.

    A prefix must end at a dot, so `backbone.` is removed from names, not letters from their start.
    """
    backbone = {tensor.name: tensor.num_elements for tensor in layout.of_role("backbone")}
    found: dict[str, int] = defaultdict(int)
    for name in names.values():
        for prefix, rest in _splits(name):
            if rest in backbone:
                found[prefix] += backbone[rest]
    if not found:
        return ""
    ranked = sorted(found, key=lambda prefix: (-found[prefix], len(prefix)))
    best = ranked[0]
    equal = [prefix for prefix in ranked if found[prefix] >= AMBIGUOUS_RATIO * found[best]]
    if len(equal) > 1:
        raise StateAmbiguous(
            f"{listed([repr(prefix) for prefix in equal])} hold a backbone each; "
            "upload a file with one of them",
            metadata={"prefixes": " ".join(equal[:MAX_LISTED])},
        )
    return best


def _splits(name: str) -> Iterable[tuple[str, str]]:
    """Yield `("", "a.b.c"), ("a.", "b.c"), ("a.b.", "c")`."""
    start = 0
    while True:
        yield name[:start], name[start:]
        dot = name.find(".", start)
        if dot < 0:
            return
        start = dot + 1
