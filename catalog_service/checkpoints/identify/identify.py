"""Says what a file of tensors is: the best readings of it, in order, and a verdict. Pure."""

from collections import Counter
from collections.abc import Sequence

from catalog_service.blobs.safetensors_file import TensorSpec
from catalog_service.checkpoints.branches import ORDER, branch_of, exported
from catalog_service.checkpoints.identify import facts
from catalog_service.checkpoints.identify.identification import Candidate, Identification
from catalog_service.checkpoints.identify.judged import Judged, judged
from catalog_service.checkpoints.identify.likely_trees import likely_trees
from catalog_service.checkpoints.identify.words import percent, problems_of, reasons_of
from catalog_service.checkpoints.trees import TRANSPARENT_PARTS
from catalog_service.errors import listed

DEFAULT_CANDIDATES = 5

MIN_COVERAGE = 0.05
"""What has less of a backbone is shown only where nothing has more."""

OWN_LAYOUTS = {"dinov3_vit": "transformers", "dinov3_convnext": "transformers"}
"""Family -> whose names ours are, where they are not torchvision's."""


def identify(
    tensors: Sequence[TensorSpec], max_candidates: int = DEFAULT_CANDIDATES
) -> Identification:
    """Return what a file may be, best first.

    Args:
        tensors: of the whole file, in any dtype.
    """
    plain = [_plain(tensor.name) for tensor in tensors]
    found = []
    for reading in likely_trees(tensors):
        prefix = reading.tree.prefix
        pairs = zip(tensors, plain, strict=True)
        found.append(judged(reading, [one for one, name in pairs if name.startswith(prefix)]))
    ranked = _distinct(sorted(found, key=_rank))
    matches = [one for one in ranked if one.is_match]
    chosen = _chosen(matches)
    if chosen is not None:
        ranked = [chosen, *(one for one in ranked if one is not chosen)]
    alike = [one for one in ranked if one is ranked[0] or one.coverage >= MIN_COVERAGE]
    candidates = tuple(_candidate(one, tensors) for one in alike[:max_candidates])
    return Identification(
        candidates=candidates,
        is_unambiguous=chosen is not None,
        verdict=_verdict(candidates, len(matches), is_chosen=chosen is not None),
    )


def _plain(name: str) -> str:
    return ".".join(part for part in name.split(".") if part not in TRANSPARENT_PARTS)


def _rank(found: Judged) -> tuple[object, ...]:
    branch = branch_of(found.reading.tree.prefix)
    num_odd = len(found.missing) + len(found.misshapen) + len(found.unexpected)
    return (
        not found.is_match,
        not found.fits,
        -round(found.coverage, 3),
        num_odd,
        ORDER.index(branch),
        found.reading.tree.scheme is not None,
        len(found.reading.tree.prefix),
    )


def _distinct(ranked: Sequence[Judged]) -> list[Judged]:
    """Leave out what reads the same tensors as the same architecture once more."""
    seen, kept = set(), []
    for one in ranked:
        published = one.reading.published
        key = (published.architecture_id, published.structure_of, one.backbone_names)
        if key not in seen:
            seen.add(key)
            kept.append(one)
    return kept


def _chosen(matches: Sequence[Judged]) -> Judged | None:
    """Return the match that is beyond doubt: the only one, or what the method hands out."""
    if len(matches) < 2:
        return matches[0] if matches else None
    if len({one.reading.published.structure_of for one in matches}) > 1:
        return None
    prefix = exported([one.reading.tree.prefix for one in matches])
    return next((one for one in matches if one.reading.tree.prefix == prefix), None)


def _candidate(found: Judged, tensors: Sequence[TensorSpec]) -> Candidate:
    published, tree = found.reading.published, found.reading.tree
    inside = {
        plain.removeprefix(tree.prefix): tensor.shape
        for tensor in tensors
        if (plain := _plain(tensor.name)).startswith(tree.prefix)
    }
    num_dropped = len(tensors) - len(found.backbone_names)
    own = OWN_LAYOUTS.get(published.family, "torchvision")
    side_px, branch = facts.image_px(found), branch_of(tree.prefix)
    return Candidate(
        architecture_id=published.architecture_id,
        structure_of=published.structure_of,
        prefix=_whole_prefix(found),
        source_layout=_layout_name(tree.scheme.name) if tree.scheme is not None else own,
        branch=branch,
        num_classes=0 if branch in _PAIRED else facts.num_classes(found, inside),
        in_channels=facts.in_channels(found),
        image_height_px=side_px,
        image_width_px=side_px,
        coverage=found.coverage,
        is_match=found.is_match,
        reasons=reasons_of(found, num_dropped=num_dropped),
        problems=problems_of(found),
    )


_PAIRED = frozenset({"online", "momentum", "student", "teacher"})
"""What such a network has at its end is no head of classes but a projector."""


def _layout_name(scheme: str) -> str:
    return {"hub": "huggingface"}.get(scheme, scheme.lower())


def _whole_prefix(found: Judged) -> str:
    """Return the prefix with the wrappers in and behind it, as most names have it."""
    names = found.remap.names if found.remap is not None else {}
    depth = found.reading.tree.prefix.count(".")
    counts = Counter(_head(name, depth) for name in names)
    return counts.most_common(1)[0][0] if counts else found.reading.tree.prefix


def _head(name: str, depth: int) -> str:
    """Return the first `depth` parts of a name that are no wrappers, and all wrappers there."""
    parts, taken = name.split("."), 0
    for count, part in enumerate(parts):
        if part not in TRANSPARENT_PARTS:
            if taken == depth:
                return "".join(f"{one}." for one in parts[:count])
            taken += 1
    return name


def _verdict(candidates: Sequence[Candidate], num_matches: int, *, is_chosen: bool) -> str:
    if not candidates:
        return "nothing that the catalog knows is like it"
    best = candidates[0]
    matches = [one for one in candidates if one.is_match]
    if is_chosen:
        others = listed([repr(one.prefix) for one in matches[1:]])
        also = f"; what follows it under {others} is left out" if num_matches > 1 and others else ""
        return f"it is {best}{_of_head(best)}, in the names of {best.source_layout}{also}"
    if num_matches:
        return f"{listed([_told(one) for one in matches])} fit; choose by architecture or prefix"
    return (
        f"it fits no architecture; nearest is {best} with {percent(best.coverage)} of its numbers: "
        f"{best.problems[0]}"
    )


def _told(match: Candidate) -> str:
    return f"{match} (the {match.branch})" if match.branch else str(match)


def _of_head(best: Candidate) -> str:
    return f" with a head of {best.num_classes} classes" if best.num_classes else ""
