"""What a spec would do, checked against data and catalog. Nothing is stored, nothing runs."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from catalog_service.errors import InvalidRequest, Violation, invalid
from catalog_service.models.spec import ModelSpec
from catalog_service.models.tasks import ClassificationTask
from trainer_service.api.registrable import require_registrable
from trainer_service.catalog_gateway import Catalog
from trainer_service.datasets.inspect import DatasetSummary, inspect
from trainer_service.datasets.wants import data_wants
from trainer_service.jobs import JobSpec, TrainPlan
from trainer_service.plan import train_plan


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedJob:
    """A spec with every default filled in, and what it does."""

    spec: JobSpec
    plan: TrainPlan


async def plan_job(spec: JobSpec, catalog: Catalog, allowed_roots: Sequence[str]) -> PlannedJob:
    """Return what `spec` would do.

    Raises:
        DataInvalid, PathOutsideRoots: the data does not fit the spec.
        VertebraError: what the catalog says of the model: an unknown name, a bad image size.
        CheckpointExists: the name to register under is taken.
        InvalidRequest: the freeze mode or the batch size does not fit the architecture, or its
            backbone could not be registered.
    """
    # 1. The data: it may have the class names
    summary = await asyncio.to_thread(_summary, spec, allowed_roots)

    # 2. The model, without numbers
    wanted = _with_classes(spec.model, summary)
    try:
        described = await catalog.describe(wanted)
    except InvalidRequest as error:
        raise _about_the_model(error) from error

    # 3. The name that the backbone is to get: known now, not after hours of training
    if spec.export.register_as:
        await catalog.require_free_name(spec.export.register_as)
        published = ModelSpec(backbone=described.layout.backbone_architecture, pretrained=False)
        require_registrable(described, (await catalog.describe(published)).layout)

    # 4. The plan
    model = replace(
        described.spec,
        freeze_backbone=wanted.freeze_backbone,
        allow_frozen_random=wanted.allow_frozen_random,
    )
    whole = replace(spec, model=model)
    plan = train_plan(whole, described.layout, described.input, described.output, summary)
    return PlannedJob(spec=whole, plan=plan)


def _summary(spec: JobSpec, allowed_roots: Sequence[str]) -> DatasetSummary:
    return inspect(spec.dataset, data_wants(spec), allowed_roots)


def _with_classes(spec: ModelSpec, summary: DatasetSummary) -> ModelSpec:
    """Return a spec whose head predicts the data's classes, where it did not say which."""
    task = spec.task or ClassificationTask()
    if task.num_outputs or not isinstance(task, ClassificationTask):
        return spec
    return replace(spec, task=replace(task, class_names=summary.class_names))


def _about_the_model(error: InvalidRequest) -> InvalidRequest:
    """Return the catalog's refusal with the field paths of our own request."""
    violations = [
        Violation(
            field=f"spec.model.{violation.field.removeprefix('spec.')}",
            description=violation.description,
        )
        for violation in error.violations
    ]
    is_a_list = error.message == invalid(error.violations).message
    return InvalidRequest(
        invalid(violations).message if is_a_list else error.message,
        reason=error.error_reason,
        metadata=error.metadata,
        violations=violations,
    )
