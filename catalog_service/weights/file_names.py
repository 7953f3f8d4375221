"""What becomes of the names in a weight's files. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from catalog_service.blobs.safetensors_file import TensorSpec
from catalog_service.checkpoints.remap import Remap, remap
from catalog_service.errors import Precondition, listed
from catalog_service.models.layout import StateLayout
from catalog_service.models.rewrite import Rewrite
from catalog_service.weights.published_layouts import canonical_names, check_distinct


class NamesUnknown(Precondition):
    """The file's tensors are not those of its architecture under any names that are known."""

    reason = "STATE_MISMATCH"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileNames:
    """What is written of a weight's files.

    Attributes:
        names: name in a file -> canonical name.
        cuts: name in a file -> canonical names of its equal parts along the first dimension.
        zeros: what the files leave out because it is 0 or never used.
        rules: what fired.
    """

    names: Mapping[str, str]
    cuts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    zeros: tuple[TensorSpec, ...] = ()
    rules: tuple[str, ...] = ()


def file_names(tensors: Sequence[TensorSpec], family: str, layout: StateLayout | None) -> FileNames:
    """Return what becomes of a weight's tensors.

    Args:
        layout: of the architecture, for files in the names of other code; None: ours, or historic.

    Raises:
        NamesCollide: two tensors would have one name.
        NamesUnknown: they are not exactly the tensors of `layout`.
    """
    names = [tensor.name for tensor in tensors]
    check_distinct(names)
    if layout is None:
        canonical = canonical_names(family, names)
        return FileNames(names=canonical.names, rules=canonical.rules)
    found = _read_with(layout, remap(tensors, layout, family))
    _check_whole(found, layout)
    return found


def _read_with(layout: StateLayout, mapped: Remap) -> FileNames:
    rewrite = mapped.rewrite
    plain = Rewrite(cuts=rewrite.cuts, zeros=rewrite.zeros)
    if rewrite != plain or any(cut.mask or "" in cut.parts for cut in rewrite.cuts):
        raise NamesUnknown(
            "its numbers must be looked at to convert it; download it and register it with "
            "RegisterCheckpoint"
        )
    cuts = {cut.source: cut.parts for cut in rewrite.cuts}
    names = {old: new for old, new in mapped.names.items() if new not in cuts}
    of_cuts = {old: cuts[new] for old, new in mapped.names.items() if new in cuts}
    zeros = [tensor for tensor in layout.tensors if tensor.name in set(rewrite.zeros)]
    return FileNames(
        names=names,
        cuts=of_cuts,
        zeros=tuple(TensorSpec(name=t.name, dtype=t.dtype, shape=t.shape) for t in zeros),
        rules=mapped.rules,
    )


def _check_whole(found: FileNames, layout: StateLayout) -> None:
    parts = [part for cut in found.cuts.values() for part in cut]
    have = {*found.names.values(), *parts, *(zero.name for zero in found.zeros)}
    wanted = {tensor.name for tensor in layout.tensors}
    missing, unexpected = sorted(wanted - have), sorted(have - wanted)
    if missing or unexpected:
        raise NamesUnknown(
            f"{len(missing)} tensors are missing ({listed(missing) or 'none'}), "
            f"{len(unexpected)} are not the architecture's ({listed(unexpected) or 'none'})"
        )
