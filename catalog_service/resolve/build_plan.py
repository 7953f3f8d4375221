"""What a spec means: names looked up, defaults filled in, contradictions found. No bytes."""

from dataclasses import dataclass, replace

from catalog_service.checkpoints.checkpoint import Checkpoint
from catalog_service.checkpoints.registry import Registry
from catalog_service.errors import (
    InvalidRequest,
    NotFound,
    Precondition,
    Violation,
    invalid,
)
from catalog_service.index.catalog_index import CatalogIndex, output_contract
from catalog_service.index.entries import ArchitectureEntry, WeightEntry
from catalog_service.index.sizes import input_contract
from catalog_service.models.contracts import InputContract, OutputContract
from catalog_service.models.recipe import Recipe, classification_head
from catalog_service.models.spec import ModelSpec
from catalog_service.models.spec_check import check
from catalog_service.models.tasks import ClassificationTask, Task
from catalog_service.weights.references import check_reference, is_checkpoint


class ArchitectureNotBuildable(Precondition):
    """Listed, but this release does not build it."""

    reason = "ARCHITECTURE_NOT_BUILDABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPlan:
    """A spec with everything looked up.

    Attributes:
        spec: with every default filled in.
        structure: the weight whose recipe and preprocessing apply.
        weight: the published weight that the numbers come from, or None.
        checkpoint: the registered backbone that they come from, or None. Neither: random numbers.
    """

    spec: ModelSpec
    structure: WeightEntry
    weight: WeightEntry | None
    checkpoint: Checkpoint | None
    recipe: Recipe
    input: InputContract
    output: OutputContract


@dataclass(frozen=True, slots=True, kw_only=True)
class _Origin:
    """Where structure and numbers come from; neither weight nor checkpoint: random numbers."""

    structure: WeightEntry
    weight: WeightEntry | None
    checkpoint: Checkpoint | None

    @property
    def reference(self) -> str:
        if self.weight is not None:
            return self.weight.reference
        return self.checkpoint.name if self.checkpoint is not None else ""


def plan_build(spec: ModelSpec, index: CatalogIndex, registry: Registry) -> BuildPlan:
    """Return what a spec means.

    Raises:
        InvalidRequest: with every contradiction, image sizes included; fields relative to the spec.
        ArchitectureNotFound, WeightsNotFound, CheckpointNotFound: with the nearest names.
        ArchitectureNotBuildable: not a float classification model.
    """
    violations = check(spec)
    if spec.weights:
        violations += check_reference(spec.weights, field="weights")
    try:
        entry = index.architecture(spec.architecture_id)
        weight, checkpoint = _origin(spec, index, registry)
    except NotFound:
        if violations:
            raise invalid(violations) from None
        raise
    if violations and not entry.is_buildable:
        raise invalid(violations)
    require_buildable(entry)
    structure = weight or index.default_weight(entry.architecture_id)
    if checkpoint is not None:
        structure = index.weight(checkpoint.structure_of)
    violations += _check_origin(spec, entry, weight or checkpoint)
    contract = _input(spec, index, structure, violations)
    if violations or contract is None:
        raise invalid(violations)
    origin = _Origin(structure=structure, weight=weight, checkpoint=checkpoint)
    return _plan(spec, index, origin, _normalised(contract, checkpoint))


def require_buildable(entry: ArchitectureEntry) -> None:
    """Raises ArchitectureNotBuildable, with what to use instead."""
    if not entry.is_buildable:
        twin = entry.float_twin
        instead = f"use {twin!r}" if twin else "the filter `is_buildable = true` lists those"
        raise ArchitectureNotBuildable(
            f"{entry.architecture_id!r} ({entry.task}) is listed, but this release builds float "
            f"classification models only; {instead}",
            metadata={"architecture": entry.architecture_id, "task": entry.task},
        )


def _origin(
    spec: ModelSpec, index: CatalogIndex, registry: Registry
) -> tuple[WeightEntry | None, Checkpoint | None]:
    if not spec.is_pretrained:
        return None, None
    if is_checkpoint(spec.weights):
        return None, registry.get(spec.weights)
    return index.weight(spec.weights or spec.architecture_id), None


def _check_origin(
    spec: ModelSpec,
    entry: ArchitectureEntry,
    origin: WeightEntry | Checkpoint | None,
) -> list[Violation]:
    found = []
    if origin is not None and origin.architecture_id != entry.architecture_id:
        why = f"{spec.weights!r} is for {origin.architecture_id}, not for {entry.architecture_id}"
        found.append(Violation(field="weights", description=why))
    if isinstance(origin, Checkpoint) and spec.task is None:
        why = f"{origin.name} is a backbone without a head; give class_names or num_classes"
        found.append(Violation(field="classification", description=why))
    return found


def _input(
    spec: ModelSpec, index: CatalogIndex, structure: WeightEntry, violations: list[Violation]
) -> InputContract | None:
    """Return the input contract, or None after adding what is wrong with the size."""
    if any(v.field in ("image_height_px", "image_width_px", "weights") for v in violations):
        return None
    try:
        return input_contract(
            index,
            structure.architecture_id,
            structure,
            height_px=spec.image_height_px,
            width_px=spec.image_width_px,
        )
    except InvalidRequest as error:
        violations.extend(error.violations)
        return None


def _normalised(contract: InputContract, checkpoint: Checkpoint | None) -> InputContract:
    if checkpoint is None or not checkpoint.mean:
        return contract
    return replace(contract, mean=checkpoint.mean, std=checkpoint.std)


def _plan(
    spec: ModelSpec, index: CatalogIndex, origin: _Origin, contract: InputContract
) -> BuildPlan:
    structure, task = origin.structure, spec.task
    if isinstance(task, ClassificationTask):
        task = replace(task, num_classes=task.num_outputs)
    head = None if task is None else classification_head(task.num_outputs)
    resolved = replace(
        spec,
        backbone=structure.architecture_id,
        pretrained=spec.is_pretrained,
        weights=origin.reference,
        task=task,
        image_height_px=contract.height_px,
        image_width_px=contract.width_px,
    )
    return BuildPlan(
        spec=resolved,
        structure=structure,
        weight=origin.weight,
        checkpoint=origin.checkpoint,
        recipe=index.recipe_for(structure.architecture_id, structure, head),
        input=contract,
        output=_output(structure, task, is_pretrained=spec.is_pretrained),
    )


def _output(structure: WeightEntry, task: Task | None, *, is_pretrained: bool) -> OutputContract:
    """A random head with the published shape does not know the published classes."""
    published = output_contract(structure, task)
    return published if is_pretrained or task else replace(published, class_names=())
