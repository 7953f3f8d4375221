"""Why a reading fits or does not, for people. Pure."""

from collections.abc import Iterator, Sequence

from catalog_service.checkpoints.identify.judged import Judged
from catalog_service.errors import listed
from catalog_service.models.families.table import family_of
from catalog_service.models.layout import ShapeMismatch, StateLayout, is_inside

NUM_SHOWN = 3
"""Names that a sentence shows."""

SMALL_KERNEL = 3
"""Side of a stem's kernels for images of 32 px. Source: He et al. 2015, section 4.2."""

MANY = 0.5
"""A share of misshapen layers that says: this one is wider or narrower as a whole."""


def reasons_of(found: Judged, *, num_dropped: int) -> tuple[str, ...]:
    """Return why the file may be this architecture."""
    published = found.reading.published
    layout = published.layout
    num_backbone = len(layout.of_role("backbone"))
    num_wrong = len(found.missing) + len(found.misshapen) + len(found.mistyped)
    name = published.architecture_id
    lines = [
        f"{num_backbone - num_wrong} of the {num_backbone} tensors of {name}'s backbone are there "
        f"in the right shape: {percent(found.coverage)} of its numbers"
    ]
    if found.remap is not None:
        lines += found.remap.rules
    if num_dropped:
        lines.append(f"{num_dropped} tensors beside the backbone would be left out")
    return tuple(lines)


def problems_of(found: Judged) -> tuple[str, ...]:
    """Return why the file would not be registered as this architecture; nothing where it would."""
    if found.collision:
        return (found.collision,)
    scheme = found.reading.tree.scheme
    lines = [*_misshapen(found), *_missing(found), *_unexpected(found)]
    if found.mistyped:
        lines.append(f"numbers of another kind: {listed(found.mistyped, limit=NUM_SHOWN)}")
    if scheme is not None and scheme.differs:
        lines.append(scheme.differs)
    return tuple(lines)


def percent(share: float) -> str:
    """Return `100 %` only where nothing is missing, and `0 %` only where nothing is there."""
    shown = f"{100 * share:.1f}".removesuffix(".0")
    if shown == "100" and share < 1:
        return "over 99.9 %"
    return "under 0.1 %" if shown == "0" and share > 0 else f"{shown} %"


def _misshapen(found: Judged) -> Iterator[str]:
    published = found.reading.published
    name, layout = published.architecture_id, published.layout
    family = family_of(name)
    stem = f"{family.stem_of(name)}.weight"
    rest = list(found.misshapen)
    for one in found.misshapen:
        line = ""
        if one.name == stem:
            line = _of_stem(one, name)
        elif one.name == family.position_table:
            line = _of_positions(one)
        if line:
            rest.remove(one)
            yield line
    if rest:
        yield _of_layers(rest, layout, name)


def _of_stem(one: ShapeMismatch, name: str) -> str:
    """Return what is special about the first convolution, [F, C, ...]."""
    theirs, ours = one.source_shape, one.layout_shape
    if len(theirs) != len(ours):
        return ""
    if theirs[2:] != ours[2:]:
        kernels = ["x".join(map(str, shape[2:])) for shape in (theirs, ours)]
        is_small = max(theirs[2:]) == SMALL_KERNEL < min(ours[2:])
        kind = ", the stem for small images" if is_small else ""
        return f"{one.name}: {kernels[0]} kernels{kind}; {name} has {kernels[1]}"
    if theirs[0] == ours[0]:
        return (
            f"{one.name}: made for {theirs[1]} channels, not {ours[1]}; "
            f"register it with structure.in_channels = {theirs[1]}"
        )
    return ""


def _of_positions(one: ShapeMismatch) -> str:
    theirs, ours = one.source_shape, one.layout_shape
    if len(theirs) != len(ours) or theirs[0] != ours[0] or theirs[2:] != ours[2:]:
        return ""
    return (
        f"{one.name}: positions of {theirs[1] - 1} patches, not {ours[1] - 1}: made for images of "
        "another size; register it with structure.image_height_px and image_width_px"
    )


def _of_layers(rest: Sequence[ShapeMismatch], layout: StateLayout, name: str) -> str:
    shown = [
        f"{one.name}: {list(one.source_shape)} in the file, {list(one.layout_shape)} in {name}"
        for one in rest
    ]
    kind = _kind(rest, layout)
    return f"{len(rest)} tensors of another shape{kind}: {listed(shown, limit=NUM_SHOWN)}"


def _kind(rest: Sequence[ShapeMismatch], layout: StateLayout) -> str:
    """Return what several misshapen layers have in common."""
    kernels = [one for one in rest if len(one.source_shape) == len(one.layout_shape) > 3]
    grouped = [
        one
        for one in kernels
        if one.source_shape[0] % one.source_shape[1] == 0
        and one.source_shape[0] > one.source_shape[1]
        and one.source_shape[0] == one.layout_shape[0]
        and one.source_shape[2:] == one.layout_shape[2:]
        and one.layout_shape[1] % one.source_shape[1] == 0
    ]
    if grouped and len(grouped) == len(kernels):
        return " (grouped convolutions)"
    count = len(layout.of_role("backbone"))
    if len(rest) < MANY * count / 2:
        return ""
    wider = sum(sum(one.source_shape) > sum(one.layout_shape) for one in rest)
    return " (wider layers)" if wider > len(rest) / 2 else " (narrower layers)"


def _missing(found: Judged) -> Iterator[str]:
    if not found.missing:
        return
    layout = found.reading.published.layout
    gone = [
        stage.name
        for stage in layout.stages
        if all(
            tensor.name in found.missing
            for tensor in layout.of_role("backbone")
            if tensor.num_elements > 1 and _in_stage(tensor.name, stage.modules)
        )
    ]
    where = f", all of {', '.join(gone)}" if gone else ""
    yield f"{len(found.missing)} tensors missing{where}: {listed(found.missing, limit=NUM_SHOWN)}"


def _in_stage(name: str, modules: Sequence[str]) -> bool:
    return any(is_inside(name, module) for module in modules)


def _unexpected(found: Judged) -> Iterator[str]:
    if found.unexpected:
        name = found.reading.published.architecture_id
        names = listed(found.unexpected, limit=NUM_SHOWN)
        yield f"{len(found.unexpected)} tensors that {name} does not have: {names}"
