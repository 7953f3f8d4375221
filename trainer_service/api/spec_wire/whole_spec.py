"""The whole TrainJobSpec, out of its parts; what contradicts between them is found here."""

from dataclasses import replace

from catalog_service.errors import Violation, invalid
from catalog_service.model_wire import spec_to_message
from catalog_service.models.spec_check import MAX_SEED
from trainer_service.api.spec_wire.augmentation import augmentation_fields, read_augmentation
from trainer_service.api.spec_wire.dataset import dataset_message, read_dataset
from trainer_service.api.spec_wire.freeze import freeze_message, read_mode, read_norm
from trainer_service.api.spec_wire.learning import (
    cache_message,
    export_spec_message,
    preprocessing_message,
    read_cache,
    read_export,
    read_preprocessing,
    read_schedule,
    read_simclr,
    read_stopping,
    schedule_message,
    simclr_message,
    stopping_message,
)
from trainer_service.api.spec_wire.loss import check_loss, loss_message, read_loss
from trainer_service.api.spec_wire.model import read_model
from trainer_service.api.spec_wire.optimizer import optimizer_message, read_optimizer
from trainer_service.api.spec_wire.reader import Reader
from trainer_service.api.spec_wire.run import read_labels, read_run, run_message
from trainer_service.api.words import COMPILE_POLICIES, LOSSES, PRECISIONS, number_of
from trainer_service.jobs import JobSpec
from trainer_service.jobs.learning_spec import LossKind
from trainer_service.jobs.metrics_table import LOSSES_OF_TASK
from trainer_service.jobs.spec import DEFAULT_BATCH_SIZE
from trainer_service.plan.losses import possible_losses, possible_metrics
from vertebra.trainer.v1 import train_job_pb2 as pb

MAX_STEPS = 2**31 - 1
"""As many epochs can be counted, and an epoch has at least one step."""


def spec_of(message: pb.TrainJobSpec) -> JobSpec:
    """Return the spec that a message asks for. Class names may still be missing: the data has them.

    Raises:
        InvalidRequest: with every contradiction and bad number that the message shows by itself.
    """
    spec, violations = read_spec(message)
    if violations:
        raise invalid(violations)
    return spec


def read_spec(message: pb.TrainJobSpec) -> tuple[JobSpec, list[Violation]]:
    """Return the same, and what is wrong with it; parts at which nothing is wrong mean what they
    say even then.
    """
    reader = Reader()
    spec = _read(message, reader)
    _check_length(spec, reader)
    _check_numbers(spec, reader)
    if spec.kind in LOSSES_OF_TASK:  # else it is wrong already
        check_loss(spec.loss, possible_losses(spec), spec.kind, reader)
        _check_metric(spec, reader)
    if reader.violations:
        return spec, reader.violations
    return replace(spec, loss=replace(spec.loss, kind=_chosen_loss(spec))), []


def _chosen_loss(spec: JobSpec) -> LossKind:
    """Return the loss of the spec; those that are no choice have no word in the contract."""
    usual = possible_losses(spec)[0]
    return spec.loss.kind or (usual if usual in LOSSES.values() else "")


def _read(message: pb.TrainJobSpec, reader: Reader) -> JobSpec:
    freeze = read_mode(message, reader)
    stops_early = message.HasField("early_stopping")
    return JobSpec(
        display_name=message.display_name,
        model=read_model(message, freeze, reader),
        freeze=freeze,
        norm=read_norm(message.freeze, freeze, reader),
        dataset=read_dataset(message.dataset, reader),
        optimizer=read_optimizer(message.optimizer, reader),
        num_epochs=message.num_epochs,
        num_steps=message.num_steps,
        validation_every_epochs=message.validation_every_epochs or 1,
        batch_size=message.batch_size or DEFAULT_BATCH_SIZE,
        micro_batch_size=message.micro_batch_size,
        seed=message.seed,
        augmentation=read_augmentation(message, reader),
        export=read_export(message.export, reader, stops_early=stops_early),
        loss=read_loss(message.loss, reader),
        schedule=read_schedule(message.schedule, reader),
        early_stopping=read_stopping(message.early_stopping, reader) if stops_early else None,
        max_grad_norm=message.max_grad_norm,
        precision=reader.word(PRECISIONS, message.precision, "precision"),
        compile=reader.word(COMPILE_POLICIES, message.compile, "compile"),
        simclr=read_simclr(message.simclr, reader) if message.HasField("simclr") else None,
        preprocessing=read_preprocessing(message.preprocessing, reader),
        feature_cache=read_cache(message.feature_cache, reader),
        labels=read_labels(message.labels, reader),
        run=read_run(message.run, reader),
    )


def _check_length(spec: JobSpec, reader: Reader) -> None:
    if spec.num_steps < 0:
        reader.wrong("num_steps", f"{spec.num_steps} is less than 1")
    elif spec.num_steps > MAX_STEPS:
        reader.wrong("num_steps", f"{spec.num_steps} is more than {MAX_STEPS:,}")
    elif spec.num_steps and spec.num_epochs:
        reader.wrong("num_steps", "contradicts num_epochs; leave one of them out")
    elif spec.num_epochs < 1 and not spec.num_steps:
        reader.wrong("num_epochs", f"{spec.num_epochs} is less than 1, and there is no num_steps")
    if spec.validation_every_epochs < 1:
        reader.wrong("validation_every_epochs", f"{spec.validation_every_epochs} is less than 1")


def _check_numbers(spec: JobSpec, reader: Reader) -> None:
    if spec.batch_size < 1:
        reader.wrong("batch_size", f"{spec.batch_size} is less than 1")
    elif not 0 <= spec.micro_batch_size <= spec.batch_size:
        why = f"{spec.micro_batch_size} is not between 1 and batch_size, {spec.batch_size}"
        reader.wrong("micro_batch_size", why)
    if spec.seed > MAX_SEED:
        reader.wrong("seed", f"{spec.seed} is larger than 2^63 - 1")
    reader.at_least(0, spec.max_grad_norm, "max_grad_norm")


def _check_metric(spec: JobSpec, reader: Reader) -> None:
    metrics = possible_metrics(spec)
    asked = spec.early_stopping.metric if spec.early_stopping else ""
    if asked and asked not in metrics:
        why = f"{asked[:100]!r} is no validation metric of {spec.kind}; it has {', '.join(metrics)}"
        reader.wrong("early_stopping.metric", why)


def spec_message(spec: JobSpec) -> pb.TrainJobSpec:
    """Return a spec with all of its defaults spelled out."""
    stopping, simclr = spec.early_stopping, spec.simclr
    return pb.TrainJobSpec(
        display_name=spec.display_name,
        model=spec_to_message(spec.model),
        freeze=freeze_message(spec.freeze, spec.norm),
        dataset=dataset_message(spec.dataset),
        optimizer=optimizer_message(spec.optimizer),
        num_epochs=spec.num_epochs,
        num_steps=spec.num_steps,
        validation_every_epochs=spec.validation_every_epochs,
        batch_size=spec.batch_size,
        micro_batch_size=spec.micro_batch_size,
        seed=spec.seed,
        export=export_spec_message(spec.export),
        loss=loss_message(spec.loss, spec.kind),
        schedule=schedule_message(spec.schedule),
        early_stopping=stopping_message(stopping) if stopping else None,
        max_grad_norm=spec.max_grad_norm,
        precision=number_of(PRECISIONS, spec.precision),
        compile=number_of(COMPILE_POLICIES, spec.compile),
        simclr=simclr_message(simclr) if simclr else None,
        preprocessing=preprocessing_message(spec.preprocessing),
        feature_cache=cache_message(spec.feature_cache),
        labels=spec.labels,
        run=run_message(spec.run),
        **augmentation_fields(spec.augmentation),
    )
