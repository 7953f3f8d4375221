"""From a plan, a model and data to what the loop needs; and the loop, followed to its end."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from trainer_service.datasets.batches import ImageBatches, TrainingOrder, evaluation_batches
from trainer_service.datasets.read import Dataset
from trainer_service.datasets.split import shuffled
from trainer_service.freezing import Seal, freeze, recalibrate
from trainer_service.jobs import JobMessage, JobSpec, TrainPlan, WorkOrder
from trainer_service.run_job.ordered_data import Emit
from trainer_service.stop_switch import StopSwitch
from trainer_service.tasks.table import task_for
from trainer_service.train.loop import Trained, Training, train


def make_training(
    order: WorkOrder, plan: TrainPlan, model: nn.Module, dataset: Dataset, device: torch.device
) -> Training:
    """Return everything the loop needs; the model is frozen, on the device, channels last."""
    freeze(model, order.model.layout, plan.freeze)
    model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Training(
        model=model,
        task=task_for(plan, device),
        batches=image_batches(order.spec, plan, dataset, device),
        spec=order.spec,
        plan=plan,
        device=device,
        layout=order.model.layout,
    )


def image_batches(
    spec: JobSpec, plan: TrainPlan, dataset: Dataset, device: torch.device
) -> ImageBatches:
    """Return where the loop gets its images from."""
    order = TrainingOrder(
        batch_size=spec.batch_size,
        num_steps=plan.num_steps_per_epoch,
        seed=spec.seed,
        augmentation=spec.augmentation,
    )
    return ImageBatches(dataset=dataset, order=order, contract=plan.input, device=device)


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

    def until_stopped() -> Iterator[Tensor]:
        for batch in batches:
            stop.check()
            if batch.num_images > 1 or len(positions) == 1:
                assert isinstance(batch.images, Tensor)
                yield batch.images

    recalibrate(training.model, order.model.layout, until_stopped())


def run_loop(training: Training, seal: Seal, emit: Emit, stop: StopSwitch) -> Trained:
    """Train, emitting what happens; return what the model holds then."""
    events = train(training, seal, stop)
    while True:
        try:
            event = next(events)
        except StopIteration as end:
            trained: Trained = end.value
            return trained
        emit(event)
