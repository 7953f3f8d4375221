"""Where in a file a backbone is: the prefixes before its names, and whose names they are. Pure.

Wrappers add path parts (`module.`, `_orig_mod.`) and trees around the backbone (`model.backbone.`).
Which tree is the backbone is decided by names and shapes, never by guessing from a word.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from catalog_service.blobs.safetensors_file import TensorSpec
from catalog_service.checkpoints.branches import exported
from catalog_service.errors import MAX_LISTED, Precondition, listed
from catalog_service.models.layout import StateLayout
from catalog_service.weights.naming_scheme import Scheme, spots
from catalog_service.weights.schemes.table import SCHEMES

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

    reason = "CHECKPOINT_AMBIGUOUS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """Where a file has a backbone, and whose names it has there.

    Attributes:
        prefix: without the parts of wrappers.
        num_fitting, num_named: how many of the backbone's numbers it has in the right shape, and
            under the right name alone.
        scheme: None: our own names.
    """

    prefix: str
    num_fitting: int = 0
    num_named: int = 0
    scheme: Scheme | None = None

    @property
    def score(self) -> tuple[int, int]:
        """Return what the better tree has more of."""
        return self.num_fitting, self.num_named


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    num_elements: int
    """That we use of it."""

    shape: tuple[int, ...] | None
    """None: only the size counts."""

    def fits(self, shape: tuple[int, ...]) -> bool:
        if self.shape is None:
            return math.prod(shape) == self.num_elements
        return shape == self.shape


def without_wrappers(names: Iterable[str], layout: StateLayout) -> dict[str, str]:
    """Return name -> name without transparent parts at any depth, unless the architecture has
    modules of that name.
    """
    wrappers = TRANSPARENT_PARTS - own_parts(layout)
    return {
        name: ".".join(part for part in name.split(".") if part not in wrappers) for name in names
    }


def own_parts(layout: StateLayout) -> set[str]:
    """Return all parts of a layout's names."""
    return {part for tensor in layout.tensors for part in tensor.name.split(".")}


def best_tree(
    tensors: Sequence[TensorSpec], plain: Mapping[str, str], layout: StateLayout, family: str
) -> Tree:
    """Return the tree that has most of the backbone, under our names or those of a scheme.

    Args:
        plain: name in the file -> name without wrappers.

    Raises:
        StateAmbiguous: several are as good, and the method does not say which one is handed out.
    """
    shapes = [(plain[tensor.name], tensor.shape) for tensor in tensors]
    ranked = [_ranked(shapes, layout, one) for one in (None, *SCHEMES.get(family, ()))]
    best = max(ranked, key=lambda trees: trees[0].score)  # the first of equals: our own names
    equal = [tree for tree in best if _as_good(tree, best[0])]
    if len(equal) == 1:
        return equal[0]
    prefixes = [tree.prefix for tree in equal]
    chosen = exported(prefixes)
    if chosen is None:
        raise StateAmbiguous(
            f"{listed([repr(prefix) for prefix in prefixes])} hold a backbone each; "
            "upload a file with one of them, or name its prefix",
            metadata={"prefixes": " ".join(prefixes[:MAX_LISTED])},
        )
    return next(tree for tree in equal if tree.prefix == chosen)


def _as_good(tree: Tree, best: Tree) -> bool:
    pairs = zip(tree.score, best.score, strict=True)
    return all(found >= AMBIGUOUS_RATIO * most for found, most in pairs)


def _ranked(
    tensors: Iterable[tuple[str, tuple[int, ...]]], layout: StateLayout, scheme: Scheme | None
) -> list[Tree]:
    """Return the trees that have anything of a backbone under the names of a scheme, best first.

    A prefix must end at a dot, so `backbone.` is removed from names, not letters from their start.
    """
    wanted = _wanted(layout, scheme)
    fitting: dict[str, int] = defaultdict(int)
    named: dict[str, int] = defaultdict(int)
    for name, shape in tensors:
        for prefix, rest in splits(name):
            if rest in wanted:
                named[prefix] += wanted[rest].num_elements
                fitting[prefix] += wanted[rest].num_elements * wanted[rest].fits(shape)
    trees = [
        Tree(prefix=prefix, num_fitting=fitting[prefix], num_named=count, scheme=scheme)
        for prefix, count in named.items()
    ]
    ranked = sorted(trees, key=lambda tree: (*(-n for n in tree.score), len(tree.prefix)))
    return ranked or [Tree(prefix="", scheme=scheme)]


def _wanted(layout: StateLayout, scheme: Scheme | None) -> dict[str, _Wanted]:
    """Return what a file has of a backbone: name -> what of it we use, and in which shape."""
    tensors = layout.of_role("backbone")
    if scheme is None:
        return {t.name: _Wanted(num_elements=t.num_elements, shape=t.shape) for t in tensors}
    found: dict[str, _Wanted] = {}
    where = spots(scheme, layout)
    for tensor in tensors:
        spot = where[tensor.name]
        for name in spot.names:
            used = tensor.num_elements // len(spot.names)
            before = found[name].num_elements if name in found else 0
            shape = spot.file_shape(tensor.shape)
            found[name] = _Wanted(num_elements=before + used, shape=shape)
    return found


def splits(name: str) -> Iterable[tuple[str, str]]:
    """Yield `("", "a.b.c"), ("a.", "b.c"), ("a.b.", "c")`."""
    start = 0
    while True:
        yield name[:start], name[start:]
        dot = name.find(".", start)
        if dot < 0:
            return
        start = dot + 1
