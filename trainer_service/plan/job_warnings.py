"""What is worth knowing of a plan and is no error. Pure."""

from collections.abc import Iterable, Iterator

from catalog_service.models.freeze_plan import FreezePlan, batch_norms
from catalog_service.models.layout import StateLayout
from trainer_service.datasets.inspect import DatasetSummary
from trainer_service.jobs import JobSpec
from trainer_service.plan.epoch_steps import (
    drops_last_images,
    rank_sizes,
    training_batch_norms,
)

FEW_IMAGES_FOR_STATISTICS = 16
"""Below this batch size a batch's statistics are noise. Source: Wu and He 2018, arXiv:1803.08494,
figure 1: the error of batch-norm grows below 16 images a batch."""

MUCH_MORE = 10
"""From this ratio of the largest to the smallest class on, accuracy hides the small ones."""

FEW_PAIRS = 64
"""SimCLR images in a batch below which there are few others to differ from. Source:
arXiv:2002.05709, figure 9: 256 is already worse than 512."""


def job_warnings(
    spec: JobSpec, layout: StateLayout, freezes: tuple[FreezePlan, ...], summary: DatasetSummary
) -> tuple[str, ...]:
    """Return a sentence for each thing that is worth knowing."""
    return (
        *_about_norms(spec, layout, freezes, summary.num_train_images),
        *_about_data(spec, summary),
    )


def _about_norms(
    spec: JobSpec, layout: StateLayout, freezes: tuple[FreezePlan, ...], num_images: int
) -> Iterable[str]:
    num_norms = max(len(training_batch_norms(layout, freeze)) for freeze in freezes)
    pairs, num_devices = spec.simclr is not None, spec.run.num_devices
    if drops_last_images(
        num_images, spec.batch_size, layout, *freezes, pairs=pairs, num_ranks=num_devices
    ):
        yield _about_last_batch(spec, num_images)
    together = min(rank_sizes(spec.batch_size, num_devices))
    together = min(together, spec.micro_batch_size or together)
    if num_norms and together < FEW_IMAGES_FOR_STATISTICS:
        setting = "micro_batch_size" if spec.micro_batch_size else "batches"
        fewer = ", fewer devices" if num_devices > 1 else ""
        yield (
            f"{num_norms} batch norms train on the statistics of {together} images;"
            f" below {FEW_IMAGES_FOR_STATISTICS} that is noise: consider larger {setting}{fewer} or"
            " norm FROZEN_STATISTICS"
        )
    elif num_norms and together < spec.batch_size:
        those = (
            "those of micro_batch_size"
            if spec.micro_batch_size
            else f"the part of one of {num_devices} devices"
        )
        yield (
            f"{num_norms} batch norms see the statistics of {together} images, {those}, not of the"
            f" whole batch of {spec.batch_size}"
        )
    if spec.freeze.kind == "norm_only" and not _trains_backbone(layout, freezes[0]):
        yield "norm_only trains the head alone: the backbone has no norms with weights"
    if freezes[0].norm == "recalibrate" and not batch_norms(layout):
        yield "norm RECALIBRATE has nothing to do: the model keeps no running statistics"


def _about_last_batch(spec: JobSpec, num_images: int) -> str:
    pairs, num_devices = spec.simclr is not None, spec.run.num_devices
    rest = num_images % spec.batch_size
    last = "one image" if rest == 1 else f"{rest} images for {num_devices} devices"
    why = "there is nothing to compare it with" if pairs else "a batch norm trains"
    return (
        f"{num_images} images in batches of {spec.batch_size} leave a last batch of {last}; it is"
        f" skipped, because {why} (each epoch skips {'another image' if rest == 1 else 'others'})"
    )


def _trains_backbone(layout: StateLayout, freeze: FreezePlan) -> bool:
    names = {stage.name for stage in layout.stages}
    return any(row.name in names and row.num_trainable_parameters for row in freeze.rows)


def _about_data(spec: JobSpec, summary: DatasetSummary) -> Iterator[str]:
    num_images, counts = summary.num_train_images, summary.num_images_per_class
    if num_images < spec.batch_size:
        yield f"{num_images} training images do not fill one batch of {spec.batch_size}"
    if empty := counts.count(0):
        yield f"{empty} of {len(counts)} classes have no training image"
    elif counts and max(counts) >= MUCH_MORE * min(counts):
        yield (
            f"classes have between {min(counts)} and {max(counts)} training images: accuracy hides"
            " the small ones"
        )
    if spec.kind == "segmentation" and spec.loss.class_weights.rule in ("balanced", "effective"):
        yield "class weights count the images with a class, not its pixels"
    if spec.simclr is not None and spec.batch_size < FEW_PAIRS:
        yield (
            f"SimCLR compares {spec.batch_size} images of a batch; below {FEW_PAIRS} there is"
            " little to tell apart: consider more, with micro_batch_size where memory is short"
        )
