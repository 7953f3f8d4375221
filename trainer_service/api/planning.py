"""What a spec would do, checked against data and catalog. Nothing is stored, nothing runs."""

import asyncio
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from typing import Literal

from catalog_service.errors import InvalidRequest, Violation, invalid
from catalog_service.models.spec import ModelSpec
from trainer_service.api.data_names import named_by_data
from trainer_service.api.registrable import require_registrable
from trainer_service.catalog_gateway import Catalog, ModelDescription
from trainer_service.datasets.inspect import DatasetSummary, inspect
from trainer_service.datasets.staging import outlined
from trainer_service.datasets.wants import data_wants
from trainer_service.jobs import JobSpec, TrainPlan
from trainer_service.plan import train_plan


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedJob:
    """A spec with every default filled in, and what it does."""

    spec: JobSpec
    plan: TrainPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingHost:
    """Where jobs of this trainer run."""

    allowed_roots: Sequence[str]
    """Folders below which images may be read, and prefixes of URLs."""
    device: Literal["cpu", "cuda"] = "cpu"
    staging_folder: str = ""
    """Where data behind URLs is mirrored; empty fetches none."""
    engines: Set[str] = frozenset({"process"})
    """What can start jobs."""
    max_devices: int = 0
    """Of the largest host that there is; 0 where none is known."""


async def plan_job(spec: JobSpec, catalog: Catalog, host: TrainingHost) -> PlannedJob:
    """Return what `spec` would do.

    Raises:
        DataInvalid, PathOutsideRoots: the data does not fit the spec.
        VertebraError: what the catalog says of the model: an unknown name, a bad image size.
        CheckpointExists: the name to register under is taken.
        InvalidRequest: this host cannot do it, the spec does not fit the architecture, or its
            backbone could not be registered.
    """
    # 1. This host
    _require_device(spec, host)
    _require_place(spec, host)

    # 2. The data: it may have the class names
    summary = await asyncio.to_thread(_summary, spec, host)

    # 3. The model, without numbers
    wanted = named_by_data(spec.model, summary)
    described = await _described(wanted, catalog)
    _require_images(described)

    # 4. The name that the backbone is to get: known now, not after hours of training
    if spec.export.register_as:
        await catalog.require_free_name(spec.export.register_as)
        await require_registrable(described, catalog)

    # 5. The plan
    model = replace(
        described.spec,
        freeze_backbone=wanted.freeze_backbone,
        allow_frozen_random=wanted.allow_frozen_random,
    )
    whole = replace(spec, model=model)
    plan = await asyncio.to_thread(
        train_plan, whole, described.layout, described.input, described.output, summary
    )
    return PlannedJob(spec=whole, plan=plan)


def _require_device(spec: JobSpec, host: TrainingHost) -> None:
    """Raise InvalidRequest where this host cannot compute with the numbers that are asked for."""
    if spec.precision == "fp16" and host.device != "cuda":
        why = "FP16 needs CUDA, and this trainer's device is cpu: take BF16 or FP32"
        raise invalid([Violation(field="spec.precision", description=why)])


def _require_place(spec: JobSpec, host: TrainingHost) -> None:
    """Raise InvalidRequest for a job that would wait for ever."""
    run = spec.run
    if run.engine not in host.engines:
        why = (
            f"this trainer has no engine {run.engine!r}, it has {', '.join(sorted(host.engines))};"
            " VERTEBRA_TRAINER_RAY names a Ray cluster"
        )
        raise invalid([Violation(field="spec.run.engine", description=why)])
    if run.engine == "process" and 0 < host.max_devices < run.num_devices:
        why = (
            f"{run.num_devices} devices are asked for; the largest host has {host.max_devices}"
            " (a CPU counts as VERTEBRA_TRAINER_SLOTS of them)"
        )
        raise invalid([Violation(field="spec.run.num_devices", description=why)])


async def _described(wanted: ModelSpec, catalog: Catalog) -> ModelDescription:
    try:
        return await catalog.describe(wanted)
    except InvalidRequest as error:
        raise _about_the_model(error) from error


def _summary(spec: JobSpec, host: TrainingHost) -> DatasetSummary:
    here, roots = outlined(spec.dataset, host.allowed_roots, host.staging_folder)
    return inspect(here, data_wants(spec), roots)


def _require_images(described: ModelDescription) -> None:
    """Raise InvalidRequest where the model takes something else than single images."""
    if described.input.num_frames or described.output.kind == "flow":
        what = "clips of frames" if described.input.num_frames else "pairs of frames"
        why = (
            f"{described.spec.backbone!r} takes {what}; this release trains models of images:"
            " BuildModel gives the model"
        )
        raise invalid([Violation(field="spec.model.backbone", description=why)])


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
