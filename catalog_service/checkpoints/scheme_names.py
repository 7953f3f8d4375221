"""From the names of a scheme to ours, for one file and one layout. Pure.

A name that the scheme does not know stays where it lies in a module that the scheme or the layout
has, so that the strict fit refuses it; elsewhere it is dropped, as beside any backbone.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass, field

from catalog_service.models.layout import StateLayout, is_inside
from catalog_service.models.rewrite import Cut, Join, Rewrite
from catalog_service.weights.naming_scheme import Place, Scheme, Spot, is_at, spots


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemeNames:
    """What becomes of a file's names.

    Attributes:
        names: name in the file -> canonical name, or its own where the rewrite reads it.
        rewrite: what is done to the numbers then.
        rules: what fired, with counts.
    """

    names: Mapping[str, str]
    rewrite: Rewrite
    rules: tuple[str, ...]


@dataclass(slots=True)
class _Sorting:
    """Filled by `scheme_names` and then frozen."""

    names: dict[str, str] = field(default_factory=dict)
    fired: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def scheme_names(scheme: Scheme, layout: StateLayout, names: Collection[str]) -> SchemeNames:
    """Return what becomes of `names`, which have lost their prefix."""
    present = frozenset(names)
    wanted = spots(scheme, layout)
    sorting = _Sorting()
    for name, spot in wanted.items():
        _take(name, spot, present, sorting)
    rewrite = Rewrite(
        cuts=_cuts(scheme, wanted, present),
        joins=tuple(
            Join(name=name, parts=spot.names)
            for name, spot in wanted.items()
            if len(spot.names) > 1 and present >= set(spot.names)
        ),
        reshaped=tuple(
            name for name, spot in wanted.items() if spot.place.is_reshaped and spot.name in present
        ),
        copies={copy: own for copy, own in scheme.copies.items() if copy in present},
        rotary_periods=scheme.rotary_periods if scheme.rotary_periods in present else "",
        zeros=tuple(_zeros(wanted, present)),
    )
    _tell(scheme, rewrite, wanted, sorting)
    unused = _unused(scheme, present, sorting)
    modules = {*_modules(tensor.name for tensor in layout.tensors), *scheme.refused}
    theirs = (name for spot in wanted.values() for name in spot.names)
    modules |= {*_modules(theirs), *_modules(scheme.copies)}
    _keep_unknown(modules, present - unused, sorting)
    rules = tuple(f"{scheme.name}: {rule} ({count} names)" for rule, count in sorting.fired.items())
    return SchemeNames(names=sorting.names, rewrite=rewrite, rules=rules)


def _take(name: str, spot: Spot, present: Set[str], sorting: _Sorting) -> None:
    place = spot.place
    if not present >= set(spot.names):
        return
    if place.pieces:
        sorting.names.update(zip(spot.names, spot.names, strict=True))
        sorting.fired[f"{' + '.join(place.pieces)} -> {place.ours}"] += 1
        return
    sorting.names[spot.name] = name if place.num_parts == 1 else spot.name
    which = f"[{place.part + 1} of {place.num_parts}]" if place.num_parts > 1 else ""
    if spot.name != name:
        sorting.fired[f"{place.theirs}{which} -> {place.ours}"] += 1


def _cuts(scheme: Scheme, wanted: Mapping[str, Spot], present: Set[str]) -> tuple[Cut, ...]:
    parts: dict[str, list[str]] = {}
    for name, spot in wanted.items():
        if spot.place.num_parts > 1 and spot.name in present:
            all_parts = parts.setdefault(spot.name, [""] * spot.place.num_parts)
            all_parts[spot.place.part] = name
    masks = {source: f"{source}{scheme.mask_ending}" for source in parts if scheme.mask_ending}
    return tuple(
        Cut(source=source, parts=tuple(names), mask=mask if mask in present else "")
        for source, names in parts.items()
        for mask in [masks.get(source, "")]
    )


def _zeros(wanted: Mapping[str, Spot], present: Set[str]) -> Iterable[str]:
    """Yield what a file lacks as a whole kind: a bias of one layer alone is missing."""
    kept = {spot.place for spot in wanted.values() if spot.name in present}
    for name, spot in wanted.items():
        if spot.place.absent and spot.place not in kept:
            yield name


def _tell(scheme: Scheme, rewrite: Rewrite, wanted: Mapping[str, Spot], sorting: _Sorting) -> None:
    """Hand over what the rewrite looks at before it leaves it out, and say so."""
    for cut in rewrite.cuts:
        if "" in cut.parts:
            sorting.fired[f"{_left_out(wanted, cut)} left out: no bias there"] += 1
        if cut.mask:
            sorting.names[cut.mask] = cut.mask
            sorting.fired[f"*{scheme.mask_ending} left out: the architecture has it built in"] += 1
    for copy, own in rewrite.copies.items():
        sorting.names[copy] = copy
        sorting.fired[f"{copy} left out: equals {own}"] += 1
    if rewrite.rotary_periods:
        sorting.names[rewrite.rotary_periods] = rewrite.rotary_periods
        sorting.fired[f"{rewrite.rotary_periods} left out: the model computes the same"] += 1
    for name in rewrite.zeros:
        place = wanted[name].place
        sorting.fired[f"{place.ours} filled with 0: {place.absent}"] += 1


def _left_out(wanted: Mapping[str, Spot], cut: Cut) -> str:
    place: Place = next(wanted[name].place for name in cut.parts if name)
    return f"{place.theirs}[{cut.parts.index('') + 1} of {len(cut.parts)}]"


def _unused(scheme: Scheme, present: Set[str], sorting: _Sorting) -> frozenset[str]:
    found = {
        name: module
        for name in present
        for module in scheme.unused
        if is_inside(name, module) or is_at(module, name)
    }
    for module in found.values():
        sorting.fired[f"{module} left out: {scheme.unused[module]}"] += 1
    return frozenset(found)


def _modules(names: Iterable[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def _keep_unknown(modules: set[str], names: Set[str], sorting: _Sorting) -> None:
    for name in sorted(names):
        if name not in sorting.names and name.partition(".")[0] in modules:
            sorting.names[name] = name
