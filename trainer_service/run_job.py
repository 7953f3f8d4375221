"""A job from its order to its export, in numbered steps. The worker program runs it."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from catalog_service.blobs.state_digest import state_digest, tensor_digests
from catalog_service.models.assemble import assemble
from catalog_service.models.template import template
from trainer_service.backbone_export import ExportFacts, export_backbone, probe_of
from trainer_service.datasets.batches import (
    ImageBatches,
    TrainingOrder,
    evaluation_batches,
)
from trainer_service.datasets.images import ImagesOnDisk
from trainer_service.datasets.inspect import inspect
from trainer_service.datasets.read import Dataset, read_dataset
from trainer_service.datasets.split import shuffled
from trainer_service.datasets.wants import data_wants
from trainer_service.errors import DeviceUnavailable, StateNotAsOrdered
from trainer_service.freezing import Seal, freeze, moving_tensors, recalibrate
from trainer_service.jobs import (
    Finished,
    JobEvent,
    JobMessage,
    JobModel,
    JobSpec,
    JobWarning,
    Planned,
    TrainPlan,
    WorkOrder,
)
from trainer_service.plan import train_plan
from trainer_service.stop_switch import StopSwitch
from trainer_service.tasks.table import task_for
from trainer_service.train.loop import Trained, Training, train

NOT_KEPT = (
    "decoded images do not fit into memory, so every epoch decodes them anew: smaller images or a"
    " host with more memory would be faster"
)

Emit = Callable[[JobEvent], None]


def run_job(order: WorkOrder, emit: Emit, stop: StopSwitch) -> Finished:
    """Do what the order says.

    Raises:
        VertebraError: what went wrong, for people; its reason is the job's failure reason.
        StopRequested: a stop was asked for.
    """
    device = prepare_device(order)
    # 1. The model, and that it is the one that was ordered.
    emit(JobMessage(text=f"loading {order.model.recipe.architecture_id}"))
    model = load_model(order.model)
    # 2. The plan: the same that PlanTrainJob shows.
    plan = make_plan(order)
    emit(Planned(plan=plan))
    with ThreadPoolExecutor(order.num_threads, thread_name_prefix="decode") as pool:
        # 3. The data, every image decoded once.
        dataset = read_data(order, plan, pool, emit, stop)
        # 4. Freezing, and the one pass that may move frozen statistics.
        training = make_training(order, plan, model, dataset, device)
        recalibrate_norms(training, dataset, order, emit, stop)
        seal = Seal(model, moving_tensors(order.model.layout, plan.freeze))
        # 5. The loop.
        trained = run_loop(training, seal, emit, stop)
        # 6. The export: nothing counts as saved before it was read back.
        stop.check()
        emit(JobMessage(text="exporting"))
        facts = ExportFacts(
            order=order,
            plan=plan,
            fingerprint=dataset.fingerprint,
            metrics=trained.metrics,
            epoch=trained.epoch,
            evaluation=trained.evaluation,
        )
        return Finished(exports=(export_backbone(model, facts, probe_of(training.batches)),))


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


def prepare_device(order: WorkOrder) -> torch.device:
    """Return the order's device, with the order's number of threads.

    Raises:
        DeviceUnavailable: torch sees no such device.
    """
    torch.set_num_threads(order.num_threads)
    if order.device == "cuda" and not torch.cuda.is_available():
        raise DeviceUnavailable(
            "the job is for a CUDA device and torch sees none: check the driver, or set the"
            " trainer's device to cpu"
        )
    return torch.device(order.device)


def load_model(ordered: JobModel) -> nn.Module:
    """Return the ordered model on the CPU. Its files are mapped privately: what training writes
    stays in this process.

    Raises:
        StateNotAsOrdered: the layout or the numbers are not those of the order's digests.
    """
    layout = template(ordered.recipe).layout
    if layout.layout_digest != ordered.layout.layout_digest:
        raise StateNotAsOrdered(
            f"this trainer builds {ordered.recipe.builder} with layout {layout.layout_digest}, the"
            f" catalog with {ordered.layout.layout_digest}: install the same torchvision on both"
        )
    backbone, head = Path(ordered.backbone_path), Path(ordered.head_path)
    inside, outside = tensor_digests(backbone), tensor_digests(head)
    whole = [replace(each, name=layout.model_name(each.name)) for each in inside] + outside
    require_digest("backbone", [backbone], state_digest(inside), ordered.backbone_digest)
    require_digest("state", [backbone, head], state_digest(whole), ordered.state_digest)
    return assemble(ordered.recipe, backbone, head)


def require_digest(what: str, paths: list[Path], found: str, expected: str) -> None:
    """Raise StateNotAsOrdered if the tensors of these files are not those of the digest."""
    if found != expected:
        names = " and ".join(repr(str(path)) for path in paths)
        raise StateNotAsOrdered(f"the {what} digest of {names} is {found}, ordered was {expected}")


def make_plan(order: WorkOrder) -> TrainPlan:
    """Return the plan, as PlanTrainJob makes it."""
    output = order.model.output
    summary = inspect(order.spec.dataset, data_wants(order.spec), order.allowed_roots)
    return train_plan(order.spec, order.model.layout, order.model.input, output, summary)


def read_data(
    order: WorkOrder, plan: TrainPlan, pool: Executor, emit: Emit, stop: StopSwitch
) -> Dataset:
    """Return the checked images, telling how far the check is."""
    num_images = plan.num_train_images + plan.num_validation_images
    emit(JobMessage(text=f"checking {num_images:,} images"))

    def progress(num_checked: int, num_images: int) -> None:
        stop.check()
        if num_checked % 10_000 < 256 and num_checked >= 10_000:
            emit(JobMessage(text=f"checked {num_checked:,} of {num_images:,} images"))

    dataset = read_dataset(
        order.spec.dataset,
        data_wants(order.spec, plan.input),
        allowed_roots=order.allowed_roots,
        pool=pool,
        progress=progress,
    )
    if isinstance(dataset.train, ImagesOnDisk) and not plan.input.is_image_list:
        emit(JobWarning(code="IMAGES_NOT_KEPT", text=NOT_KEPT))
    return dataset


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
