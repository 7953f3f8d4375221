"""What a job will do, computed from values alone: no image is opened, no tensor exists yet.

PlanTrainJob shows this plan and the worker follows it, so both must come from here.
"""

from collections.abc import Iterable
from dataclasses import replace

from catalog_service.errors import InvalidRequest
from catalog_service.models.contracts import InputContract, OutputContract
from catalog_service.models.freeze_plan import FreezePlan, batch_norms, freeze_plan
from catalog_service.models.layout import StateLayout, TensorInfo, is_inside
from trainer_service.datasets.inspect import DatasetSummary
from trainer_service.jobs import JobSpec, OptimizerGroup, OptimizerSpec, TrainPlan

DECAYED = "weights"
UNDECAYED = "biases and norms"
"""Names of the two optimizer groups."""

FEW_IMAGES_FOR_STATISTICS = 16
"""Below this batch size a batch's statistics are noise. Source: Wu and He 2018, arXiv:1803.08494,
figure 1: the error of batch-norm grows below 16 images a batch."""

MUCH_MORE = 10
"""From this ratio of the largest to the smallest class on, accuracy hides the small ones."""


def train_plan(
    spec: JobSpec,
    layout: StateLayout,
    input_contract: InputContract,
    output_contract: OutputContract,
    summary: DatasetSummary,
) -> TrainPlan:
    """Return what the job will do.

    Raises:
        InvalidRequest: the mode does not fit the architecture, or a batch norm would train on
            single images.
    """
    freeze = freeze_plan(layout, spec.freeze, spec.norm)
    num_steps = num_steps_per_epoch(summary.num_train_images, spec.batch_size, layout, freeze)
    return TrainPlan(
        freeze=freeze,
        input=input_contract,
        # The data names the classes that the model only counts.
        output=replace(output_contract, class_names=summary.class_names),
        num_train_images=summary.num_train_images,
        num_validation_images=summary.num_validation_images,
        num_steps_per_epoch=num_steps,
        num_steps=num_steps * spec.num_epochs,
        optimizer=spec.optimizer,
        optimizer_groups=optimizer_groups(layout, freeze, spec.optimizer),
        warnings=tuple(_warnings(spec, layout, freeze, summary)),
        num_images_per_class=summary.num_images_per_class,
    )


def num_steps_per_epoch(
    num_images: int, batch_size: int, layout: StateLayout, freeze: FreezePlan
) -> int:
    """Return how many batches an epoch has.

    Raises:
        InvalidRequest: every batch is a single image and a batch norm trains.
    """
    if min(num_images, batch_size) == 1 and training_batch_norms(layout, freeze):
        raise InvalidRequest(
            f"batch_size {batch_size} with {num_images} training images gives batches of one image,"
            " whose statistics mean nothing: use larger batches, or norm FROZEN_STATISTICS",
        )
    num_full, rest = divmod(num_images, batch_size)
    return num_full + bool(rest) - drops_last_image(num_images, batch_size, layout, freeze)


def drops_last_image(
    num_images: int, batch_size: int, layout: StateLayout, freeze: FreezePlan
) -> bool:
    """Whether an epoch ends before its last batch, because that is one image and a norm trains."""
    is_single = num_images > batch_size > 1 and num_images % batch_size == 1
    return is_single and bool(training_batch_norms(layout, freeze))


def training_batch_norms(layout: StateLayout, freeze: FreezePlan) -> tuple[str, ...]:
    """Return the module paths whose running statistics move with every step."""
    if freeze.norm != "batch_statistics":
        return ()
    return tuple(
        path
        for path in batch_norms(layout)
        if any(is_inside(path, root) for root in freeze.train_modules)
    )


def is_decayed(tensor: TensorInfo) -> bool:
    """Whether weight decay applies: never to biases and the weights of norms."""
    return len(tensor.shape) > 1


def optimizer_groups(
    layout: StateLayout, freeze: FreezePlan, optimizer: OptimizerSpec
) -> tuple[OptimizerGroup, ...]:
    """Return the groups that hold parameters, and how many."""
    trainable = set(freeze.trainable)
    tensors = [tensor for tensor in layout.tensors if tensor.name in trainable]
    counts = {
        DECAYED: sum(tensor.num_elements for tensor in tensors if is_decayed(tensor)),
        UNDECAYED: sum(tensor.num_elements for tensor in tensors if not is_decayed(tensor)),
    }
    return tuple(
        OptimizerGroup(
            name=name,
            lr=optimizer.lr,
            weight_decay=optimizer.weight_decay if name == DECAYED else 0.0,
            num_parameters=count,
        )
        for name, count in counts.items()
        if count
    )


def _warnings(
    spec: JobSpec, layout: StateLayout, freeze: FreezePlan, summary: DatasetSummary
) -> Iterable[str]:
    """Yield what is worth knowing and is no error."""
    num_images = summary.num_train_images
    training_norms = len(training_batch_norms(layout, freeze))
    if drops_last_image(num_images, spec.batch_size, layout, freeze):
        yield (
            f"{num_images} images in batches of {spec.batch_size} leave a last batch of one image;"
            " it is skipped, because a batch norm trains (each epoch skips another image)"
        )
    if training_norms and spec.batch_size < FEW_IMAGES_FOR_STATISTICS:
        yield (
            f"{training_norms} batch norms train on the statistics of {spec.batch_size} images;"
            f" below {FEW_IMAGES_FOR_STATISTICS} that is noise: consider larger batches or norm"
            " FROZEN_STATISTICS"
        )
    if num_images < spec.batch_size:
        yield f"{num_images} training images do not fill one batch of {spec.batch_size}"
    if max(summary.num_images_per_class) >= MUCH_MORE * min(summary.num_images_per_class):
        yield (
            f"classes have between {min(summary.num_images_per_class)} and"
            f" {max(summary.num_images_per_class)} training images: accuracy hides the small ones"
        )
    if spec.norm == "recalibrate" and not batch_norms(layout):
        yield "norm RECALIBRATE has nothing to do: the model keeps no running statistics"
