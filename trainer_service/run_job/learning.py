"""From a plan, a model and data to what the loop needs; and the loop, followed to its end."""

from collections.abc import Iterator
from dataclasses import replace

import psutil
import torch
from torch import nn

from catalog_service.models.freeze_plan import FreezePlan
from trainer_service.datasets.batch import Batches, Inputs
from trainer_service.datasets.batches import ImageBatches, TrainingOrder, evaluation_batches
from trainer_service.datasets.read import Dataset
from trainer_service.datasets.split import shuffled
from trainer_service.datasets.view_batches import ViewBatches
from trainer_service.errors import FeaturesCollapsed
from trainer_service.features.caching import Caching
from trainer_service.features.phase_source import phase_source
from trainer_service.freezing import Seal, freeze, recalibrate
from trainer_service.jobs import (
    EpochMetrics,
    JobMessage,
    JobSpec,
    JobWarning,
    TrainPlan,
    WorkOrder,
)
from trainer_service.run_job.ordered_data import Emit
from trainer_service.stop_switch import StopSwitch
from trainer_service.tasks.simclr import simclr_task
from trainer_service.tasks.simclr_collapse import collapse_in
from trainer_service.tasks.table import task_for
from trainer_service.train.keeping import Keeping
from trainer_service.train.loop import Trained, Training, train

ROW_BY_ROW = ("keypoints",)
"""Tasks whose channels stay first in memory. Source: keypointrcnn_loss in
torchvision.models.detection.roi_heads takes a view of its logits that no other order allows."""


def make_training(
    order: WorkOrder, plan: TrainPlan, model: nn.Module, dataset: Dataset, device: torch.device
) -> Training:
    """Return everything the loop needs; the model is frozen, on the device, channels last."""
    freeze(model, order.model.layout, plan.freeze)
    memory = torch.contiguous_format if plan.task in ROW_BY_ROW else torch.channels_last
    model.to(device=device, memory_format=memory)  # type: ignore[call-overload]
    if plan.task == "simclr":
        return _contrastive(order, plan, model, dataset, device)
    return Training(
        model=model,
        task=task_for(plan, device),
        batches=image_batches(order.spec, plan, dataset, device),
        spec=order.spec,
        plan=plan,
        device=device,
        layout=order.model.layout,
    )


def _contrastive(
    order: WorkOrder, plan: TrainPlan, model: nn.Module, dataset: Dataset, device: torch.device
) -> Training:
    """Return the same for pairs of views, whose projection trains beside the model."""
    task = simclr_task(order.spec, plan, device)
    return Training(
        model=model,
        task=task,
        batches=ViewBatches(
            dataset=dataset,
            order=training_order(order.spec, plan),
            contract=plan.input,
            device=device,
        ),
        spec=order.spec,
        plan=plan,
        device=device,
        layout=order.model.layout,
        auxiliary=nn.ModuleDict({"projection": task.projection}),
    )


def training_order(spec: JobSpec, plan: TrainPlan) -> TrainingOrder:
    """Return which images come when, and how they vary."""
    return TrainingOrder(
        batch_size=spec.batch_size,
        num_steps=plan.num_steps_per_epoch,
        seed=spec.seed,
        augmentation=spec.augmentation,
        ignore_index=plan.loss.ignore_index,
    )


def image_batches(
    spec: JobSpec, plan: TrainPlan, dataset: Dataset, device: torch.device
) -> ImageBatches:
    """Return where the loop gets its images from."""
    return ImageBatches(
        dataset=dataset, order=training_order(spec, plan), contract=plan.input, device=device
    )


def with_kept_features(
    training: Training, order: WorkOrder, emit: Emit, stop: StopSwitch
) -> Training:
    """Return a training that asks, phase by phase, for what the frozen part gives only once."""
    batches = training.batches
    if not isinstance(batches, ImageBatches):
        return training
    caching = Caching(
        plan=training.plan.feature_cache,
        is_required=order.spec.feature_cache.policy == "required",
        batch_size=training.plan.micro_batch_size or order.spec.batch_size,
        precision=order.spec.precision,
        identity=str(order.model.recipe),
        folder=order.features_folder,
        budget_bytes=order.features_budget_bytes,
        say=lambda text: emit(JobMessage(text=text)),
        check=stop.check,
        num_sharing=training.ranks.part.num_ranks,
    )

    ranks = training.ranks

    def source(freeze: FreezePlan) -> tuple[nn.Module, Batches]:
        free_bytes = int(ranks.agreed(str(psutil.virtual_memory().available)))
        now = replace(caching, free_bytes=free_bytes)

        def make() -> tuple[nn.Module, Batches]:
            return phase_source(training.model, batches, freeze, now)

        # What the first rank keeps for later jobs the others find.
        return ranks.in_turn(make) if caching.folder and caching.plan.is_used else make()

    return replace(training, source=source)


def recalibrate_norms(
    training: Training, dataset: Dataset, order: WorkOrder, emit: Emit, stop: StopSwitch
) -> None:
    """Where the order says so, set all running statistics from the training images, shuffled."""
    if training.plan.freeze.norm != "recalibrate":
        return
    emit(JobMessage(text="recalibrating batch norms on the training images"))
    images = dataset.train
    positions = shuffled(len(images), seed=order.spec.seed, epoch=0)
    batches = evaluation_batches(images, training.plan.input, training.device, positions=positions)

    def until_stopped() -> Iterator[Inputs]:
        for batch in batches:
            stop.check()
            if batch.num_images > 1 or len(positions) == 1:
                yield batch.images

    recalibrate(training.model, order.model.layout, until_stopped())


def run_loop(
    training: Training, seal: Seal, emit: Emit, stop: StopSwitch, keeping: Keeping | None = None
) -> Trained:
    """Train, emitting what happens; return what the model holds then."""
    events = train(training, seal, stop, keeping=keeping)
    while True:
        try:
            event = next(events)
        except StopIteration as end:
            trained: Trained = end.value
            return trained
        emit(event)
        if isinstance(event, EpochMetrics) and (text := collapse_in(event, training.plan)):
            report_collapse(training.spec, text, emit)


def report_collapse(spec: JobSpec, text: str, emit: Emit) -> None:
    """Fail, or say so where the job is to run on."""
    if spec.simclr is None or not spec.simclr.ignore_collapse:
        raise FeaturesCollapsed(text)
    emit(JobWarning(code=FeaturesCollapsed.reason, text=text))
