"""From a source's tensors to a model's parts: what is kept, dropped and drawn, and a report of it.

Numbers are random only where that was asked for: a new head, a state without a source, or the rest
of a partial load that the caller allowed. All names are the model's. Imports torch.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from catalog_service.models.adaptations import (
    KnownRows,
    adaptations,
    drawn_on_request,
    left_out,
    with_known_rows,
)
from catalog_service.models.anatomy import anatomy
from catalog_service.models.fit_state import Fit, fit_state, is_finite, report_of
from catalog_service.models.fitting import State
from catalog_service.models.initialise import draw_head, random_state
from catalog_service.models.layout import LoadReport, StateLayout, TensorInfo, is_inside
from catalog_service.models.part_report import PartReport, joined
from catalog_service.models.recipe import Recipe
from catalog_service.models.source import Reading, Source, read_source, renames
from catalog_service.models.state_mismatch import StateMismatch, refuse_state
from catalog_service.models.template import template


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The tensors of one part, and how they came to be."""

    state: State
    report: PartReport


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposedState:
    """A state in two parts that share no tensor."""

    layout: StateLayout
    backbone: Part
    """Empty where only the head was wanted."""

    head: Part
    """All that is not backbone."""

    @property
    def report(self) -> LoadReport:
        """Return what happened to every tensor."""
        return joined(self.layout, self.backbone.report, self.head.report)


def compose(
    recipe: Recipe,
    source: Source | None,
    *,
    seed: int = 0,
    allow_partial: bool = False,
    with_backbone: bool = True,
) -> ComposedState:
    """Return the state of a recipe, from a source or from nothing.

    Args:
        source: None draws everything by the architecture's own initialisation.
        seed: for every number that is drawn.
        allow_partial: take what fits of the backbone and draw the rest; the report names both.
        with_backbone: False where the backbone was composed before: its numbers are not read.

    Raises:
        StateMismatch: the source does not fit; names missing, misshapen and unexpected tensors.
    """
    layout = template(recipe).layout
    inside = layout.of_role("backbone") if with_backbone else ()
    outside = tuple(tensor for tensor in layout.tensors if tensor.role != "backbone")
    if source is None:
        return _random(recipe, layout, (inside, outside), seed)
    # 1. What the source has of each part, and what is left out or drawn on purpose
    reading = read_source(source, recipe, layout, with_backbone=with_backbone)
    backbone = fit_backbone(recipe, layout, reading) if with_backbone else _NO_FIT
    head, new = _fit_head(recipe, layout, outside, reading)
    # 2. Whether that is enough
    looked_at = backbone if with_backbone else None
    _check(recipe, source, looked_at, head, allow_partial=allow_partial)
    # 3. The numbers of the rest
    absent = {tensor.name for tensor in inside if tensor.name not in backbone.state}
    rest = _rest(recipe, layout, new | absent, reading, seed)
    lines = (*rest.rules, *renames(source, layout))
    return ComposedState(
        layout=layout,
        backbone=_part(inside, backbone, rest.state),
        head=_part(outside, head, rest.state, dropped=reading.foreign, rules=lines),
    )


def compose_backbone(recipe: Recipe, source: Source, *, allow_partial: bool = False) -> Part:
    """Return the backbone tensors of a source; head tensors are left out and reported as dropped.

    Under `allow_partial` only what fits comes back, and the report names the rest: no drawing.

    Raises:
        StateMismatch: as in `compose`.
    """
    layout = template(recipe).layout
    reading = read_source(source, recipe, layout)
    fit = fit_backbone(recipe, layout, reading)
    _check(recipe, source, fit, None, allow_partial=allow_partial)
    dropped = (*reading.rest, *reading.foreign)
    return Part(state=fit.state, report=report_of(fit, dropped=dropped))


def fit_backbone(recipe: Recipe, layout: StateLayout, reading: Reading) -> Fit:
    """Return what a source has of a model's backbone; its own names where it has too much."""
    requested = drawn_on_request(recipe)
    wanted = [t for t in layout.of_role("backbone") if t.name not in requested]
    gone = left_out(recipe, layout, reading.backbone)
    dropped = {*gone.names, *(requested & reading.backbone.keys())}
    changes = adaptations(recipe, layout, reading.image_px)
    fit = fit_state(reading.backbone, wanted, dropped, changes, zeros=reading.zeros)
    return replace(
        fit,
        rules=(*fit.rules, *gone.rules),
        dropped=tuple(reading.origins[name] for name in fit.dropped),
        unexpected=tuple(reading.origins[name] for name in fit.unexpected),
    )


_NO_FIT = Fit()


def _fit_head(
    recipe: Recipe, layout: StateLayout, outside: tuple[TensorInfo, ...], reading: Reading
) -> tuple[Fit, frozenset[str]]:
    """Return what a source has of everything that is not backbone, and the names to draw."""
    new = _new_names(recipe, layout, outside, reading)
    wanted = [tensor for tensor in outside if tensor.name not in new]
    own = {tensor.name for tensor in outside}
    auxiliary = {
        name
        for name in reading.rest.keys() - own
        if any(is_inside(name, path) for path in reading.aux_modules)
    }
    replaced = anatomy(recipe).replaced_modules if recipe.head is not None else ()
    old = {name for name in reading.rest if any(is_inside(name, path) for path in replaced)}
    gone = left_out(recipe, layout, reading.rest)
    dropped = auxiliary | old | gone.names | (new & reading.rest.keys())
    fit = fit_state(reading.rest, wanted, dropped)
    return replace(fit, rules=(*fit.rules, *gone.rules)), new


def _new_names(
    recipe: Recipe, layout: StateLayout, outside: tuple[TensorInfo, ...], reading: Reading
) -> frozenset[str]:
    """Return what a new task draws: the replaced modules, and every part that a source has nothing
    of: all of it under a registered backbone; VGG16's feature weights, whose classifier is NaN.
    """
    if recipe.head is None:
        return frozenset()
    replaced = {tensor.name for tensor in outside if _is_replaced(layout, tensor.name)}
    kept: dict[str, list[str]] = {}
    for tensor in outside:
        if tensor.name not in replaced:
            kept.setdefault(tensor.role, []).append(tensor.name)
    absent = {
        name
        for names in kept.values()
        if not any(is_finite(reading.rest[name]) for name in names if name in reading.rest)
        for name in names
    }
    return frozenset(replaced | absent)


def _is_replaced(layout: StateLayout, name: str) -> bool:
    return any(is_inside(name, module) for module in layout.replaced_modules)


def _check(
    recipe: Recipe, source: Source, backbone: Fit | None, head: Fit | None, *, allow_partial: bool
) -> None:
    """Raise StateMismatch unless the fits are what was asked for; None is not looked at."""
    what = f"state of {source.path.name!r} does not fit {recipe.architecture_id}"
    if backbone is not None and not backbone.has_loaded:
        raise StateMismatch(f"{what}: it has no tensor of the backbone that fits")
    if head is not None and head.missing and recipe.head is None:
        refuse_state(f"{what} with its published head; give the spec a task", missing=head.missing)
    fits = [fit for fit in (backbone, head) if fit is not None]
    is_incomplete = head is not None and bool(head.missing or head.misshapen)
    is_exact = all(fit.is_exact for fit in fits)
    is_broken = any(fit.is_broken for fit in fits)
    if is_incomplete or is_broken or not (allow_partial or is_exact):
        refuse_state(
            what,
            missing=[name for fit in fits for name in fit.missing],
            unexpected=[name for fit in fits for name in fit.unexpected],
            misshapen=[one for fit in fits for one in fit.misshapen],
            mistyped=[name for fit in fits for name in fit.mistyped],
            non_finite=[name for fit in fits for name in fit.non_finite],
        )


def _rest(
    recipe: Recipe, layout: StateLayout, names: frozenset[str], reading: Reading, seed: int
) -> KnownRows:
    """Return random tensors for `names`, with the rows that a new last layer keeps."""
    drawn = _draw(recipe, layout, names, seed)
    known = with_known_rows(recipe, reading.rest, drawn)
    return KnownRows(state={**drawn, **known.state}, rules=known.rules)


def _draw(recipe: Recipe, layout: StateLayout, names: frozenset[str], seed: int) -> State:
    """Return random tensors for `names`; the whole module is built only where the head is not all.

    The replaced modules come from their own generator, so a head does not depend on what else was
    drawn.
    """
    if not names:
        return {}
    replaced = draw_head(recipe, layout, seed)
    whole = random_state(recipe, seed) if names - replaced.keys() else {}
    return {name: replaced[name] if name in replaced else whole[name] for name in names}


def _part(
    tensors: tuple[TensorInfo, ...],
    fit: Fit,
    drawn: State,
    *,
    dropped: tuple[str, ...] = (),
    rules: tuple[str, ...] = (),
) -> Part:
    state = {t.name: fit.state[t.name] if t.name in fit.state else drawn[t.name] for t in tensors}
    initialised = [tensor.name for tensor in tensors if tensor.name not in fit.state]
    report = report_of(fit, initialised, dropped)
    return Part(state=state, report=replace(report, rules=(*report.rules, *rules)))


def _random(
    recipe: Recipe,
    layout: StateLayout,
    parts: tuple[Iterable[TensorInfo], Iterable[TensorInfo]],
    seed: int,
) -> ComposedState:
    state = random_state(recipe, seed)
    backbone, head = (_part(tuple(tensors), _NO_FIT, state) for tensors in parts)
    return ComposedState(layout=layout, backbone=backbone, head=head)
