"""What a data set holds, told from folders and tables: no image is opened, torch is not imported,
so the serving process may ask. Whether the images are sound is `data_check`'s business, in the
worker.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from trainer_service.datasets.listing import split_samples
from trainer_service.datasets.truths import Nothing, Numbers, Truth
from trainer_service.datasets.wants import DataWants
from trainer_service.jobs import DatasetSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSummary:
    """What a data set holds."""

    class_names: tuple[str, ...]
    """In the order of the model's outputs; the names of the targets for regression. Without the
    background that detectors have. Empty where neither the model nor the data names them."""
    num_train_images: int
    num_validation_images: int
    num_images_per_class: tuple[int, ...]
    """Of the training images, in class order; images with the class where they can have several.
    Empty where there are no classes, or where only the pixels of masks would tell."""
    keypoint_names: tuple[str, ...] = ()
    target_mean: tuple[float, ...] = ()
    """Of the training images, for regression, in target order."""
    target_std: tuple[float, ...] = ()
    """1 for a target that never varies."""
    has_labels: bool = True
    """False for images that nothing is known of."""


def inspect(spec: DatasetSpec, wants: DataWants, allowed_roots: Sequence[str]) -> DatasetSummary:
    """Return what the data set holds, as the job would see it.

    Raises:
        DataInvalid: no such data, nothing in it for the task, or classes other than the model's.
        PathOutsideRoots: a folder or a link in it leaves the allowed roots.
    """
    samples = split_samples(spec, wants, allowed_roots)
    truth = samples.train.usable().truth
    mean, std = target_statistics(truth)
    return DatasetSummary(
        class_names=samples.class_names,
        num_train_images=len(samples.train),
        num_validation_images=len(samples.validation),
        num_images_per_class=truth.counts(),
        keypoint_names=samples.keypoint_names,
        target_mean=mean,
        target_std=std,
        has_labels=not isinstance(truth, Nothing),
    )


def target_statistics(truth: Truth) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of every target; nothing for other truths."""
    if not isinstance(truth, Numbers):
        return (), ()
    values = truth.values.astype("float64")
    std = values.std(axis=0)
    return tuple(values.mean(axis=0).tolist()), tuple(float(each) or 1.0 for each in std)
