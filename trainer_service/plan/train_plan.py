"""The plan of a job: every default in numbers, and what contradicts the model or the data."""

from dataclasses import replace

from catalog_service.models.contracts import InputContract, OutputContract
from catalog_service.models.layout import StateLayout, TensorInfo
from trainer_service.datasets.inspect import DatasetSummary
from trainer_service.jobs import JobSpec, OptimizerGroup, PhasePlan, TrainPlan
from trainer_service.plan.contracts import input_of, output_of
from trainer_service.plan.epoch_steps import (
    batch_sizes,
    part_sizes,
    rank_sizes,
    training_batch_norms,
)
from trainer_service.plan.feature_cache import feature_cache_plan
from trainer_service.plan.job_warnings import job_warnings
from trainer_service.plan.losses import loss_of, main_metric
from trainer_service.plan.optimizer_groups import optimizer_groups
from trainer_service.plan.projection import projection_tensors
from trainer_service.plan.refusal import refused
from trainer_service.plan.schedule import Course, course_of
from trainer_service.plan.snapshots import snapshot_plan


def train_plan(
    spec: JobSpec,
    layout: StateLayout,
    input_contract: InputContract,
    output_contract: OutputContract,
    summary: DatasetSummary,
) -> TrainPlan:
    """Return what the job will do.

    Raises:
        InvalidRequest: something in the spec does not fit model or data; the field is named.
    """
    course = _checked_course(spec, layout, summary.num_train_images)
    projection = _projection(spec, output_contract)
    phases = _phases(course, _groups_of_phases(spec, layout, course, projection))
    metric = main_metric(spec)
    plan = TrainPlan(
        freeze=phases[0].freeze,
        input=input_of(input_contract, spec.preprocessing),
        output=output_of(output_contract, summary, spec.kind),
        num_train_images=summary.num_train_images,
        num_validation_images=summary.num_validation_images,
        num_steps_per_epoch=course.num_steps_per_epoch,
        num_steps=course.num_steps,
        optimizer=spec.optimizer,
        optimizer_groups=phases[0].optimizer_groups,
        warnings=job_warnings(spec, layout, tuple(phase.freeze for phase in phases), summary),
        num_images_per_class=summary.num_images_per_class,
        task=spec.kind,
        loss=loss_of(spec, summary),
        main_metric=metric.name,
        main_metric_grows=metric.grows,
        phases=phases,
        feature_cache=feature_cache_plan(spec, layout, phases[0].freeze),
        warmup_steps=course.warmup_steps,
        num_auxiliary_parameters=sum(tensor.num_elements for tensor in projection),
        num_epochs=course.num_epochs,
        validation_every_epochs=spec.validation_every_epochs,
    )
    return _placed(plan, spec, layout, projection)


def _placed(
    plan: TrainPlan, spec: JobSpec, layout: StateLayout, projection: tuple[TensorInfo, ...]
) -> TrainPlan:
    """Return the plan with where it runs and how it is kept, which changes nothing that is learned
    but for rounding.
    """
    num_devices = spec.run.num_devices
    most = max(rank_sizes(spec.batch_size, num_devices))
    return replace(
        plan,
        micro_batch_size=min(spec.micro_batch_size or most, most),
        num_devices=num_devices,
        snapshots=snapshot_plan(
            spec, layout, tuple(phase.freeze for phase in plan.phases), projection
        ),
    )


def _checked_course(spec: JobSpec, layout: StateLayout, num_images: int) -> Course:
    course = course_of(spec, layout, num_images)
    _check_something_trains(spec, course)
    _check_parts(spec, layout, course, num_images)
    return course


def _projection(spec: JobSpec, output: OutputContract) -> tuple[TensorInfo, ...]:
    return () if spec.simclr is None else projection_tensors(spec.simclr, output.shape[0])


def _groups_of_phases(
    spec: JobSpec, layout: StateLayout, course: Course, projection: tuple[TensorInfo, ...]
) -> list[tuple[OptimizerGroup, ...]]:
    return [
        optimizer_groups(
            layout,
            course.phases[:end],
            spec.optimizer,
            batch_size=spec.batch_size,
            projection=projection,
        )
        for end in range(1, len(course.phases) + 1)
    ]


def _phases(course: Course, groups: list[tuple[OptimizerGroup, ...]]) -> tuple[PhasePlan, ...]:
    return tuple(
        PhasePlan(
            after_epochs=phase.step.after_epochs if phase.step else 0,
            after_steps=phase.step.after_steps if phase.step else 0,
            after_plateau_epochs=phase.step.after_plateau_epochs if phase.step else 0,
            freeze=phase.plan,
            optimizer_groups=held,
        )
        for phase, held in zip(course.phases, groups, strict=True)
    )


def _check_something_trains(spec: JobSpec, course: Course) -> None:
    """Raise where nothing that is kept trains in the first phase."""
    if not course.phases[-1].plan.trainable:
        what = "SimCLR's projection is thrown away" if spec.simclr else "the model has no head"
        why = (
            f"{str(spec.freeze)!r} leaves nothing that trains: {what}; let the backbone train, with"
            " full, last_blocks or custom"
        )
        raise refused("freeze", why)


def _check_parts(spec: JobSpec, layout: StateLayout, course: Course, num_images: int) -> None:
    """Raise where a part of a batch would be a single image and a batch norm trains."""
    if not spec.micro_batch_size or spec.simclr is not None:
        return
    if not any(training_batch_norms(layout, phase.plan) for phase in course.phases):
        return
    sizes = batch_sizes(num_images, spec.batch_size, course.num_steps_per_epoch)
    shares = {share for size in sizes for share in rank_sizes(size, spec.run.num_devices)}
    parts = {part for share in shares if share for part in part_sizes(share, spec.micro_batch_size)}
    if 1 in parts:
        why = (
            f"{spec.micro_batch_size} cuts batches of {spec.batch_size} of {num_images} images into"
            " parts of one image, whose statistics mean nothing to the batch norms that train: take"
            " a larger one, or norm FROZEN_STATISTICS"
        )
        raise refused("micro_batch_size", why)
