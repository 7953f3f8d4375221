"""The first look: which architectures a file is like, by a few names of each. Pure.

Every structure is compared in the words of every code base, so a table of all names would be
large; some dozens of each tell them apart well enough to read the best ones name by name.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from catalog_service.blobs.safetensors_file import TensorSpec
from catalog_service.checkpoints.trees import TRANSPARENT_PARTS, Tree, splits
from catalog_service.index.layouts import PublishedLayout, published_layouts
from catalog_service.models.layout import TensorInfo
from catalog_service.weights.naming_scheme import Scheme, spot
from catalog_service.weights.published_layouts import RENAMES, Rename
from catalog_service.weights.schemes.table import SCHEMES

NUM_SAMPLED = 40
"""Tensors of a structure that the first look knows, evenly spread from the stem to the last."""

NUM_LIKELY = 24
"""Readings that are looked at name by name."""

MAX_PREFIXES = 64
MAX_DOTS = 64
"""Of a name. Both keep a file that is made to be slow from being so."""

MIN_SHARE = 0.1
"""What has fewer of the sampled names in the right shape is not like the file at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A structure in the words of one code base, and where in a file."""

    published: PublishedLayout
    tree: Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    entry: int
    """Index into `_entries()`."""

    shape: tuple[int, ...] | None
    num_elements: int

    def fits(self, shape: tuple[int, ...]) -> bool:
        if self.shape is None:
            return math.prod(shape) == self.num_elements
        return shape == self.shape


def likely_trees(tensors: Sequence[TensorSpec]) -> list[Reading]:
    """Return the readings that share most names and shapes with a file, best first."""
    entries, samples = _entries(), _samples()
    hits = _hits(tensors, samples)
    kept = _prefixes(hits)
    found: dict[tuple[int, str], set[str]] = defaultdict(set)
    for prefix, rest, shape in hits:
        if prefix in kept:
            for sample in samples[rest]:
                if sample.fits(shape):
                    found[sample.entry, prefix].add(rest)
    shares = {key: len(names) / entries[key[0]].num_sampled for key, names in found.items()}
    likely = sorted(
        (key for key, share in shares.items() if share >= MIN_SHARE),
        key=lambda key: (-shares[key], len(key[1]), key),
    )
    return [
        Reading(
            published=entries[entry].published,
            tree=Tree(prefix=prefix, scheme=entries[entry].scheme),
        )
        for entry, prefix in likely[:NUM_LIKELY]
    ]


_Hit = tuple[str, str, tuple[int, ...]]
"""A prefix, a name that some structure has, and the shape behind both in the file."""


def _hits(tensors: Iterable[TensorSpec], samples: Container[str]) -> list[_Hit]:
    return [
        (prefix, rest, tensor.shape)
        for tensor in tensors
        if tensor.name.count(".") <= MAX_DOTS
        for name in _spellings(tensor.name)
        for prefix, rest in splits(name)
        if rest in samples
    ]


def _prefixes(hits: Iterable[_Hit]) -> frozenset[str]:
    """Return the prefixes behind which most is; a file may have any number."""
    counts = Counter(prefix for prefix, _, _ in hits)
    return frozenset(prefix for prefix, count in counts.most_common(MAX_PREFIXES) if count > 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    published: PublishedLayout
    scheme: Scheme | None
    sampled: tuple[TensorInfo, ...]

    @property
    def num_sampled(self) -> int:
        return sum(len(spot(self.scheme, t.name).names) if self.scheme else 1 for t in self.sampled)


@cache
def _entries() -> tuple[_Entry, ...]:
    """Return every trunk in the words of every code base.

    A detector's backbone is its trunk's: it is found under a prefix.
    """
    return tuple(
        _Entry(published=each, scheme=scheme, sampled=_sampled(each))
        for each in published_layouts()
        if each.layout.backbone_architecture == each.architecture_id
        for scheme in (None, *SCHEMES.get(each.family, ()))
    )


def _sampled(published: PublishedLayout) -> tuple[TensorInfo, ...]:
    """Return tensors of the backbone; counters and single numbers tell nothing."""
    tensors = [tensor for tensor in published.layout.of_role("backbone") if tensor.num_elements > 1]
    step = max(1, -(-len(tensors) // NUM_SAMPLED))
    return tuple(tensors[::step])


@cache
def _samples() -> dict[str, tuple[_Sample, ...]]:
    """Return name in a file -> which structures have it."""
    found: dict[str, list[_Sample]] = defaultdict(list)
    for index, entry in enumerate(_entries()):
        for name, sample in _of_entry(index, entry):
            found[name].append(sample)
    return {name: tuple(samples) for name, samples in found.items()}


def _of_entry(index: int, entry: _Entry) -> Iterator[tuple[str, _Sample]]:
    for tensor in entry.sampled:
        if entry.scheme is None:
            names: tuple[str, ...] = (tensor.name,)
            shape: tuple[int, ...] | None = tensor.shape
        else:
            where = spot(entry.scheme, tensor.name)
            names, shape = where.names, where.file_shape(tensor.shape)
        for name in names:
            yield name, _Sample(entry=index, shape=shape, num_elements=tensor.num_elements)


def _spellings(name: str) -> Iterable[str]:
    """Return a name without wrappers, and what published files of old would have it mean."""
    plain = ".".join(part for part in name.split(".") if part not in TRANSPARENT_PARTS)
    return {plain, *(one.pattern.sub(one.replacement, plain) for one in _renames())}


@cache
def _renames() -> tuple[Rename, ...]:
    """Return the historic spellings of trunks."""
    families = {entry.published.family for entry in _entries()}
    return tuple(one for family in sorted(families) for one in RENAMES.get(family, ()))
