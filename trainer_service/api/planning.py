"""What a spec would do, checked against data and catalog. Nothing is stored, nothing runs."""

import asyncio
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from typing import Literal

from catalog_service.errors import InvalidRequest, NotFound, Violation, invalid
from catalog_service.models.spec import ModelSpec
from trainer_service.api.data_names import named_by_data
from trainer_service.api.findings import Findings
from trainer_service.api.registrable import require_registrable
from trainer_service.api.spec_wire import place_of_data, with_some_names
from trainer_service.catalog_gateway import Catalog, ModelDescription
from trainer_service.datasets.inspect import DatasetSummary, inspect
from trainer_service.datasets.staging import outlined
from trainer_service.datasets.wants import data_wants
from trainer_service.jobs import JobSpec, TrainPlan
from trainer_service.plan import train_plan

NAMES_OF_WEIGHTS = frozenset({"WEIGHTS_NOT_FOUND", "CHECKPOINT_NOT_FOUND"})
"""Reasons of the catalog's; every other name that it does not know is an architecture's."""


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


async def plan_job(
    spec: JobSpec, catalog: Catalog, host: TrainingHost, wrong: Sequence[Violation] = ()
) -> PlannedJob:
    """Return what `spec` would do.

    Args:
        wrong: what the spec shows by itself; what does not build on it is checked all the same.

    Raises:
        InvalidRequest: more than one thing is wrong, or `wrong` is not empty: all that was found.
            Or this host cannot do it, the spec does not fit the architecture, or its backbone could
            not be registered.
        DataInvalid, PathOutsideRoots: the data does not fit the spec.
        CheckpointExists: the name to register under is taken.
        VertebraError: what the catalog says of the model: an unknown name, a bad image size.
    """
    findings = Findings(wrong)

    # 1. This host
    _check_host(spec, host, findings)

    # 2. The data: it may have the class names
    summary = await _summary(spec, host, findings)

    # 3. The model, without numbers
    described = await _described(spec, summary, catalog, findings)

    # 4. The name that the backbone is to get: known now, not after hours of training
    await _check_name(spec, described, catalog, findings)

    # 5. The plan
    findings.raise_any()
    assert summary is not None and described is not None
    whole = replace(spec, model=_pinned(spec, described))
    plan = await asyncio.to_thread(
        train_plan, whole, described.layout, described.input, described.output, summary
    )
    return PlannedJob(spec=whole, plan=plan)


def _pinned(spec: JobSpec, described: ModelDescription) -> ModelSpec:
    """Return the model as the catalog spells it out, with what only a job asks for."""
    return replace(
        described.spec,
        freeze_backbone=spec.model.freeze_backbone,
        allow_frozen_random=spec.model.allow_frozen_random,
    )


def _check_host(spec: JobSpec, host: TrainingHost, findings: Findings) -> None:
    if findings.is_clear("spec.run", "spec.precision"):
        with findings.at("spec.precision"):
            _require_device(spec, host)
        with findings.at("spec.run"):
            _require_place(spec, host)


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


async def _summary(spec: JobSpec, host: TrainingHost, findings: Findings) -> DatasetSummary | None:
    """Return what the data holds; None where that cannot be told, and `findings` says why."""
    if not findings.is_clear("spec.dataset", "spec.model", "spec.simclr", "spec.loss.ignore_index"):
        return None
    with findings.at(place_of_data(spec.dataset)):
        return await asyncio.to_thread(_inspected, spec, host)
    return None


def _inspected(spec: JobSpec, host: TrainingHost) -> DatasetSummary:
    here, roots = outlined(spec.dataset, host.allowed_roots, host.staging_folder)
    return inspect(here, data_wants(spec), roots)


async def _described(
    spec: JobSpec, summary: DatasetSummary | None, catalog: Catalog, findings: Findings
) -> ModelDescription | None:
    """Return the model; None where there is no such one, and `findings` says why.

    Without data to name what is predicted, a model of any one thing shows what is wrong.
    """
    if not findings.is_clear("spec.model", "spec.simclr"):
        return None
    with findings.at("spec.model.backbone"):
        wanted = named_by_data(spec.model, summary) if summary else with_some_names(spec.model)
        try:
            described = await catalog.describe(wanted)
        except NotFound as error:
            raise _at_its_name(error) from error
        except InvalidRequest as error:
            raise _about_the_model(error) from error
        _require_images(described)
        return described
    return None


async def _check_name(
    spec: JobSpec, described: ModelDescription | None, catalog: Catalog, findings: Findings
) -> None:
    """Find out whether the backbone could be registered as it is asked for."""
    if not spec.export.register_as or not findings.is_clear("spec.export"):
        return
    with findings.at("spec.export.register_as"):
        await catalog.require_free_name(spec.export.register_as)
        if described:
            await require_registrable(described, catalog)


def _require_images(described: ModelDescription) -> None:
    """Raise InvalidRequest where the model takes something else than single images."""
    if described.input.num_frames or described.output.kind == "flow":
        what = "clips of frames" if described.input.num_frames else "pairs of frames"
        why = (
            f"{described.spec.backbone!r} takes {what}; this release trains models of images:"
            " BuildModel gives the model"
        )
        raise invalid([Violation(field="spec.model.backbone", description=why)])


def _at_its_name(error: NotFound) -> NotFound:
    """Return the catalog's refusal at the name that it does not know."""
    field = "weights" if error.error_reason in NAMES_OF_WEIGHTS else "backbone"
    return NotFound(
        error.message,
        reason=error.error_reason,
        metadata=error.metadata,
        violations=[Violation(field=f"spec.model.{field}", description=error.message)],
        links=error.links,
    )


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
