"""From a source's tensors to a model's parts: what is kept, dropped and drawn, and a report of it.

Numbers are random only where that was asked for: a new head, a state without a source, or the rest
of a partial load that the caller allowed. Imports torch.
"""

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from catalog_service.models.anatomy import Anatomy, anatomy
from catalog_service.models.attach import State, load_state
from catalog_service.models.describe import describe
from catalog_service.models.families.table import family_of
from catalog_service.models.fit_state import Fit, fit_state, is_finite, report_of
from catalog_service.models.initialise import draw_head, random_state
from catalog_service.models.layout import LoadReport, StateLayout, TensorInfo, is_inside
from catalog_service.models.recipe import Recipe
from catalog_service.models.state_mismatch import StateMismatch, refuse_state


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposedState:
    """A whole state in two parts that share no tensor, and how it came to be."""

    layout: StateLayout
    backbone: dict[str, Tensor]
    head: dict[str, Tensor]
    """All that is not backbone."""

    report: LoadReport


def compose(
    recipe: Recipe, source_path: Path | None, *, seed: int = 0, allow_partial: bool = False
) -> ComposedState:
    """Return the state of a recipe, from a source or from nothing.

    Args:
        source_path: a safetensors file under canonical names: a published weight or a backbone;
            None draws everything by the architecture's own initialisation.
        seed: for every number that is drawn.
        allow_partial: take what fits of the backbone and draw the rest; the report names both.

    Raises:
        StateMismatch: the source does not fit; names missing, misshapen and unexpected tensors.
    """
    layout = describe(recipe)
    if source_path is None:
        return _random(recipe, layout, seed)
    source = load_state(source_path)
    parts = anatomy(recipe)
    drawn = _names_to_draw(recipe, parts, layout, source)
    wanted = [tensor for tensor in layout.tensors if tensor.name not in drawn]
    fit = fit_state(source, wanted, _names_to_drop(parts, layout, source, drawn))
    _check(fit, layout, recipe, source_path, allow_partial=allow_partial)
    left = {tensor.name for tensor in wanted if tensor.name not in fit.state}
    state = {**_draw(recipe, layout, drawn | left, seed), **fit.state}
    return _split(layout, state, report_of(fit, layout, drawn | left))


def fit_backbone(
    recipe: Recipe, source_path: Path, *, allow_partial: bool = False
) -> tuple[dict[str, Tensor], LoadReport]:
    """Return the backbone tensors of a source; head tensors are left out and reported as dropped.

    Under `allow_partial` only what fits comes back, and the report names the rest: no drawing.

    Raises:
        StateMismatch: as in `compose`.
    """
    layout = describe(recipe)
    parts = anatomy(recipe)
    source = load_state(source_path)
    dropped = [name for name in source if parts.role_of(name) != "backbone"]
    fit = fit_state(source, layout.of_role("backbone"), dropped)
    _check(fit, layout, recipe, source_path, allow_partial=allow_partial)
    return fit.state, report_of(fit, layout)


def _random(recipe: Recipe, layout: StateLayout, seed: int) -> ComposedState:
    state = random_state(recipe, seed)
    report = LoadReport(
        num_expected=len(layout.tensors),
        num_elements_expected=sum(tensor.num_elements for tensor in layout.tensors),
        initialised=tuple(tensor.name for tensor in layout.tensors),
    )
    return _split(layout, state, report)


def _names_to_draw(
    recipe: Recipe, parts: Anatomy, layout: StateLayout, source: State
) -> frozenset[str]:
    """Return the new head's names: the replaced modules, or the whole head where a source has none
    of it: a registered backbone, or VGG16's feature weights, whose classifier is NaN.
    """
    if recipe.head is None:
        return frozenset()
    head = [tensor.name for tensor in layout.of_role("head")]
    if not any(parts.role_of(name) == "head" and is_finite(source[name]) for name in source):
        return frozenset(head)
    return frozenset(name for name in head if _is_replaced(layout, name))


def _names_to_drop(
    parts: Anatomy, layout: StateLayout, source: State, drawn: frozenset[str]
) -> frozenset[str]:
    """Return what a source has and this model has not, knowingly: the old head, auxiliary heads."""
    own = {tensor.name for tensor in layout.tensors}
    auxiliary = {name for name in source if parts.role_of(name) == "aux" and name not in own}
    replaced = {name for name in source if drawn and _is_replaced(layout, name)}
    return frozenset(auxiliary | replaced | (drawn & source.keys()))


def _is_replaced(layout: StateLayout, name: str) -> bool:
    return any(is_inside(name, module) for module in layout.replaced_modules)


def _check(
    fit: Fit, layout: StateLayout, recipe: Recipe, path: Path, *, allow_partial: bool
) -> None:
    what = f"state of {path.name!r} does not fit {recipe.architecture_id}"
    backbone = {tensor.name for tensor in layout.of_role("backbone")}
    if not backbone & fit.state.keys() - set(fit.filled):
        raise StateMismatch(f"{what}: it has no tensor of the backbone that fits")
    outside = [name for name in fit.missing if name not in backbone]
    if outside and recipe.head is None:
        refuse_state(f"{what} with its published head; give the spec a task", missing=outside)
    if outside or fit.is_broken or not (allow_partial or fit.is_exact):
        refuse_state(
            what,
            missing=fit.missing,
            unexpected=fit.unexpected,
            misshapen=fit.misshapen,
            mistyped=fit.mistyped,
            non_finite=fit.non_finite,
        )


def _draw(recipe: Recipe, layout: StateLayout, names: frozenset[str], seed: int) -> State:
    """Return random tensors for `names`; the whole module is built only where the head is not all.

    The replaced modules come from their own generator, so a head does not depend on what else was
    drawn.
    """
    if not names:
        return {}
    replaced = draw_head(family_of(recipe.architecture_id), layout, seed)
    rest = names - replaced.keys()
    whole = random_state(recipe, seed) if rest else {}
    return {name: replaced[name] if name in replaced else whole[name] for name in names}


def _split(layout: StateLayout, state: State, report: LoadReport) -> ComposedState:
    return ComposedState(
        layout=layout,
        backbone=_of(layout.of_role("backbone"), state),
        head=_of([tensor for tensor in layout.tensors if tensor.role != "backbone"], state),
        report=report,
    )


def _of(tensors: list[TensorInfo] | tuple[TensorInfo, ...], state: State) -> dict[str, Tensor]:
    return {tensor.name: state[tensor.name] for tensor in tensors}
