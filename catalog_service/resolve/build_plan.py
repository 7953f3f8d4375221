"""What a spec means: names looked up, defaults filled in, contradictions found. No bytes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from catalog_service.checkpoints.checkpoint import Checkpoint
from catalog_service.checkpoints.registry import Registry
from catalog_service.errors import (
    InvalidRequest,
    NotFound,
    Precondition,
    Violation,
    invalid,
)
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.index.entries import ArchitectureEntry, WeightEntry
from catalog_service.index.input_contract import InputWish, PlannedInput, Use, planned_input
from catalog_service.index.output_contract import Outputs, output_contract
from catalog_service.index.size_limits import Sizes
from catalog_service.models.compositions import CompositionInfeasible
from catalog_service.models.contracts import InputContract, OutputContract
from catalog_service.models.recipe import Recipe
from catalog_service.models.spec import ModelSpec
from catalog_service.models.spec_check import MAX_CHANNELS, check
from catalog_service.resolve.argument_check import check_arguments
from catalog_service.resolve.model_head import PlannedHead, is_own, keeps_aux, planned_head
from catalog_service.resolve.origin import Origin, numbers_of, statistics_of, structure_of
from catalog_service.resolve.origin_check import check_origin
from catalog_service.resolve.registered_structure import with_structure, without_removed
from catalog_service.resolve.resized import resized
from catalog_service.resolve.resolved_spec import resolved_spec
from catalog_service.weights.references import check_reference

TRAINING_BATCHES = {"deeplabv3": 2}
"""Heads of ours that do not train with one image: their pooled branch has a batch norm."""

USES: Mapping[str, Use] = {
    "segmentation": "segmentation",
    "detection": "detection",
    "instance_segmentation": "detection",
    "keypoints": "detection",
}
"""Kind of a task on a backbone that was not published for it -> how its head takes images."""

T = TypeVar("T")


class ArchitectureNotBuildable(Precondition):
    """Listed, but this release does not build it."""

    reason = "ARCHITECTURE_NOT_BUILDABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPlan:
    """A spec with everything looked up.

    Attributes:
        spec: with every default filled in.
        structure: the weight whose recipe and preprocessing apply.
        weight: the published weight that the numbers come from, or None. It may be one of the
            backbone's architecture: `resnet50` for `fcn_resnet50`.
        checkpoint: the registered backbone that they come from, or None. Neither: random numbers.
        sizes: which other images the model takes.
    """

    spec: ModelSpec
    structure: WeightEntry
    weight: WeightEntry | None
    checkpoint: Checkpoint | None
    recipe: Recipe
    input: InputContract
    output: OutputContract
    sizes: Sizes


def plan_build(spec: ModelSpec, index: CatalogIndex, registry: Registry) -> BuildPlan:
    """Return what a spec means.

    Raises:
        InvalidRequest: with every contradiction, image sizes included; fields relative to the spec.
        CompositionInfeasible: the task's head or the neck does not go on this backbone.
        ArchitectureNotFound, WeightsNotFound, CheckpointNotFound: with the nearest names.
        ArchitectureNotBuildable: quantized.
    """
    violations = check(spec)
    if spec.weights:
        violations += check_reference(spec.weights, field="weights")
    try:
        entry = index.architecture(spec.architecture_id)
        weight, checkpoint = numbers_of(spec, entry, index, registry)
    except NotFound:
        if violations:
            raise invalid(violations) from None
        raise
    if violations and not entry.is_buildable:
        raise invalid(violations)
    require_buildable(entry)
    violations += check_origin(spec, entry, weight or checkpoint, index)
    whole, contradictions = with_structure(spec, checkpoint)
    structure = structure_of(entry, weight, checkpoint, index)
    origin = Origin(entry=entry, structure=structure, weight=weight, checkpoint=checkpoint)
    return plan_on(whole, origin, index, [*violations, *contradictions])


def plan_on(
    spec: ModelSpec, origin: Origin, index: CatalogIndex, violations: list[Violation]
) -> BuildPlan:
    """Return what a spec means on a structure that was chosen for it.

    Args:
        violations: what is known to be wrong with it.

    Raises:
        InvalidRequest, CompositionInfeasible: as in `plan_build`.
    """
    published = origin.structure.arguments
    found = check_arguments(origin.entry.architecture_id, spec.arguments, published)
    return _planned(spec, origin, index, [*violations, *found])


def require_buildable(entry: ArchitectureEntry) -> None:
    """Raises ArchitectureNotBuildable, with what to use instead."""
    if not entry.is_buildable:
        twin = entry.float_twin
        instead = f"use {twin!r}" if twin else "the filter `is_buildable = true` lists those"
        raise ArchitectureNotBuildable(
            f"{entry.architecture_id!r} ({entry.task}) is listed, but this release builds float "
            f"models only; {instead}",
            metadata={"architecture": entry.architecture_id, "task": entry.task},
        )


def _planned(
    spec: ModelSpec, origin: Origin, index: CatalogIndex, violations: list[Violation]
) -> BuildPlan:
    """Plan input, head, recipe and output; raise with all problems of the first two."""
    wish = _wish(spec, origin)
    asked = _collected(lambda: planned_input(origin.structure, wish), violations)
    published = asked or planned_input(origin.structure, InputWish(use=wish.use))
    entry = origin.entry if violations else resized(origin.entry, spec.arguments)
    head = _collected(
        lambda: planned_head(spec, entry, published.contract, origin.categories), violations
    )
    if asked is None or head is None or violations:
        raise invalid(violations)
    recipe = without_removed(_recipe(spec, origin, asked, head, index), origin.checkpoint)
    whole = replace(spec, remove_modules=recipe.removed_modules)
    return BuildPlan(
        spec=resolved_spec(whole, origin.entry, origin.reference, asked.contract, head),
        structure=origin.structure,
        weight=origin.weight,
        checkpoint=origin.checkpoint,
        recipe=recipe,
        input=asked.contract,
        output=_output(spec, origin, head),
        sizes=asked.sizes,
    )


def _collected(plan: Callable[[], T], violations: list[Violation]) -> T | None:
    """Return what `plan` gives, or None after adding what is wrong to earlier problems."""
    try:
        return plan()
    except CompositionInfeasible:
        if violations:
            return None
        raise
    except InvalidRequest as error:
        violations.extend(error.violations)
        return None


def _wish(spec: ModelSpec, origin: Origin) -> InputWish:
    mean, std = statistics_of(origin)
    task, entry = spec.task, origin.entry
    is_composed = task is not None and not is_own(entry, task, spec.neck)
    kind = task.kind if task is not None and is_composed else ""
    head = getattr(task, "head", "") if is_composed else ""
    has_size = spec.image_height_px > 0 and spec.image_width_px > 0  # one alone was found before
    return InputWish(
        height_px=spec.image_height_px if has_size else 0,
        width_px=spec.image_width_px if has_size else 0,
        in_channels=spec.in_channels if 0 <= spec.in_channels <= MAX_CHANNELS else 0,
        adaptation=spec.stem_adaptation or "repeat",
        mean=mean,
        std=std,
        use=USES.get(kind, "images"),
        keeps_aux=keeps_aux(spec, entry, origin.structure.arguments),
        training_batch=TRAINING_BATCHES.get(head, 1),
    )


def _recipe(
    spec: ModelSpec, origin: Origin, asked: PlannedInput, head: PlannedHead, index: CatalogIndex
) -> Recipe:
    recipe = index.recipe_for(origin.entry.architecture_id, origin.structure, head.head)
    arguments = {**recipe.arguments, **spec.arguments, **head.arguments, **asked.arguments}
    if origin.reference and not origin.is_whole:
        arguments.pop("norm_eps", None)  # of the detector's own numbers, not of a backbone's
    assert origin.structure.preprocessing is not None
    channels = asked.contract.num_channels
    stem = None
    if channels != origin.structure.preprocessing.num_channels:
        stem = {"in_channels": channels, "adaptation": spec.stem_adaptation or "repeat"}
    return replace(
        recipe,
        arguments=arguments,
        neck=head.neck,
        stem=stem,
        removed_modules=spec.remove_modules,
    )


def _output(spec: ModelSpec, origin: Origin, head: PlannedHead) -> OutputContract:
    """A random head with the published shape does not know the published classes."""
    has_aux = head.keeps_aux or (
        spec.task is None and keeps_aux(spec, origin.entry, origin.structure.arguments)
    )
    return output_contract(
        Outputs(
            entry=resized(origin.entry, spec.arguments),
            task=spec.task,
            class_names=origin.categories,
            num_published=len(origin.structure.categories),
            has_aux=has_aux,
            head=head.head,
            neck=head.neck,
        )
    )
