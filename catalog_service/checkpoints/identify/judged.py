"""The second look: one reading of a file, name by name, as a registration would take it. Pure.

Says what the worker's strict fit would say (`models/fit_state.py`), short of the numbers.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from catalog_service.blobs.safetensors_file import TensorSpec
from catalog_service.checkpoints.identify.likely_trees import Reading
from catalog_service.checkpoints.remap import Remap, fits, remap_tree, shapes_of
from catalog_service.errors import Precondition
from catalog_service.models.layout import ShapeMismatch, StateLayout, TensorInfo, is_inside
from catalog_service.models.part_report import COUNTER
from catalog_service.weights.naming_scheme import is_at

CASTABLE = frozenset({"F16", "BF16", "F32", "F64"})
"""As in `models/fit_state.py`, which needs torch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A reading, and what of the backbone it has.

    Attributes:
        coverage: share of the backbone's numbers that are there in the right shape.
        shapes: our name -> shape, of what is kept.
        missing, misshapen, mistyped: of the backbone, under our names.
        unexpected: what the backbone does not have, inside of its modules; names of the file.
        collision: why the names cannot be told apart, or nothing.
    """

    reading: Reading
    remap: Remap | None
    coverage: float = 0.0
    shapes: Mapping[str, tuple[int, ...]]
    missing: tuple[str, ...] = ()
    misshapen: tuple[ShapeMismatch, ...] = ()
    mistyped: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    collision: str = ""

    @property
    def backbone_names(self) -> frozenset[str]:
        """Return the file's names of what would become of the backbone."""
        if self.remap is None:
            return frozenset()
        role_of = {t.name: t.role for t in self.reading.published.layout.tensors}
        pairs = self.remap.names.items()
        return frozenset(old for old, new in pairs if role_of.get(new, "backbone") == "backbone")

    @property
    def fits(self) -> bool:
        """Return whether every name and shape is right."""
        return not (
            self.missing or self.misshapen or self.mistyped or self.unexpected or self.collision
        )

    @property
    def is_match(self) -> bool:
        """Return whether it would be registered so."""
        scheme = self.reading.tree.scheme
        return self.fits and not (scheme is not None and scheme.differs)


def judged(reading: Reading, tensors: Sequence[TensorSpec]) -> Judged:
    """Return what a file has of a structure, where the reading says that it is."""
    layout, family = reading.published.layout, reading.published.family
    try:
        mapped = remap_tree(tensors, layout, family, reading.tree)
    except Precondition as error:
        return Judged(reading=reading, remap=None, shapes={}, collision=error.message)
    shapes = shapes_of(mapped, tensors)
    reshaped = frozenset(mapped.rewrite.reshaped)
    backbone = layout.of_role("backbone")
    fitting = {t.name for t in backbone if fits(t, shapes.get(t.name), reshaped)}
    absent = [tensor for tensor in backbone if tensor.name not in shapes]
    free = {*mapped.rewrite.zeros, *(t.name for t in absent if t.name.endswith(f".{COUNTER}"))}
    return Judged(
        reading=reading,
        remap=mapped,
        coverage=_share(backbone, fitting, free),
        shapes=shapes,
        missing=tuple(tensor.name for tensor in absent if tensor.name not in free),
        misshapen=tuple(
            ShapeMismatch(name=t.name, source_shape=shapes[t.name], layout_shape=t.shape)
            for t in backbone
            if t.name in shapes and t.name not in fitting
        ),
        mistyped=_mistyped(mapped, tensors, layout),
        unexpected=(*_unexpected(mapped, shapes, layout), *_lost_parts(mapped)),
    )


def _share(backbone: Sequence[TensorInfo], fitting: set[str], free: set[str]) -> float:
    """Return 1.0 only where nothing is missing."""
    wanted = {tensor.name: tensor.num_elements for tensor in backbone if tensor.name not in free}
    found = sum(count for name, count in wanted.items() if name in fitting)
    total = sum(wanted.values())
    return found / total if total else 0.0


def _mistyped(mapped: Remap, tensors: Sequence[TensorSpec], layout: StateLayout) -> tuple[str, ...]:
    wanted = {tensor.name: tensor.dtype for tensor in layout.of_role("backbone")}
    return tuple(
        f"{tensor.name}: {tensor.dtype}, not {dtype}"
        for tensor in tensors
        if (dtype := wanted.get(mapped.names.get(tensor.name, ""), tensor.dtype)) != tensor.dtype
        and not {tensor.dtype, dtype} <= CASTABLE
    )


def _unexpected(
    mapped: Remap, shapes: Mapping[str, tuple[int, ...]], layout: StateLayout
) -> tuple[str, ...]:
    """Return the file's names of what lies in the backbone's modules and is none of its tensors."""
    own = {tensor.name for tensor in layout.tensors}
    others = (*layout.head_modules, *layout.neck_modules, *layout.aux_modules)
    frozen = {
        f"{n.removesuffix('running_mean')}{COUNTER}" for n in own if n.endswith(".running_mean")
    }
    return tuple(
        old
        for old, new in mapped.names.items()
        if new in shapes
        and new not in own
        and new not in frozen
        and not any(is_inside(new, module) for module in others)
    )


def _lost_parts(mapped: Remap) -> Iterator[str]:
    """Yield the tensors of which a part has a name of ours in other architectures alone.

    A part that is nobody's (the bias of keys) is looked at and left out; a gate is not.
    """
    scheme = mapped.tree.scheme
    for cut in mapped.rewrite.cuts:
        lost = {part for part, name in enumerate(cut.parts) if not name}
        if scheme is not None and any(
            place.part in lost and place.num_parts > 1 and is_at(place.theirs, cut.source)
            for place in scheme.places
        ):
            yield cut.source
