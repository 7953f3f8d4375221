"""What a data set holds, told from its folders: no image is opened, torch is not imported, so the
serving process may ask. Whether the images are sound is `data_check`'s business, in the worker.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from catalog_service.errors import listed
from trainer_service.datasets import bundled_digits
from trainer_service.datasets.allowed_paths import allowed_folder
from trainer_service.datasets.image_folder import class_folders, images_of_classes
from trainer_service.datasets.split import num_kept_for_validation, stratified_split
from trainer_service.datasets.wants import DataWants
from trainer_service.errors import DataInvalid
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
    has_labels: bool = True
    """False for images that nothing is known of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Image files and their labels."""

    paths: tuple[Path, ...]
    labels: tuple[int, ...]

    def at(self, positions: npt.NDArray[np.int64]) -> "Samples":
        """Return the samples at these positions."""
        return Samples(
            paths=tuple(self.paths[position] for position in positions),
            labels=tuple(self.labels[position] for position in positions),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderSamples:
    """The files of an image folder, split."""

    class_names: tuple[str, ...]
    train: Samples
    validation: Samples


def inspect(spec: DatasetSpec, wants: DataWants, allowed_roots: Sequence[str]) -> DatasetSummary:
    """Return what the data set holds, as the job would see it.

    Raises:
        DataInvalid: no such folder, a class without images, or classes other than the model's.
        PathOutsideRoots: a folder or a link in it leaves the allowed roots.
    """
    if spec.kind == "bundled_digits":
        return _summary_of_digits(spec, wants)
    samples = folder_samples(spec, wants, allowed_roots)
    counts = np.bincount(samples.train.labels, minlength=len(samples.class_names))
    return DatasetSummary(
        class_names=samples.class_names,
        num_train_images=len(samples.train.labels),
        num_validation_images=len(samples.validation.labels),
        num_images_per_class=tuple(counts.tolist()),
    )


def folder_samples(
    spec: DatasetSpec, wants: DataWants, allowed_roots: Sequence[str]
) -> FolderSamples:
    """Return the files of an image folder with their labels; raises as `inspect` does."""
    folder = allowed_folder(spec.path, allowed_roots)
    folders = class_folders(folder, allowed_roots)
    names = ordered_classes(tuple(folders), wants.class_names, wants.num_outputs)
    every = _samples(images_of_classes(folders, allowed_roots), names)
    if not spec.validation_path:
        train, validation = stratified_split(
            every.labels, ratio=spec.validation_ratio, seed=spec.split_seed
        )
        return _checked(
            FolderSamples(class_names=names, train=every.at(train), validation=every.at(validation))
        )
    held_out = allowed_folder(spec.validation_path, allowed_roots)
    if held_out == folder:
        raise DataInvalid(f"{spec.validation_path!r} is the training folder itself")
    held_out_folders = class_folders(held_out, allowed_roots)
    ordered_classes(tuple(held_out_folders), names, 0)
    validation_samples = _samples(images_of_classes(held_out_folders, allowed_roots), names)
    return FolderSamples(class_names=names, train=every, validation=validation_samples)


def ordered_classes(
    found: Sequence[str], class_names: Sequence[str], num_outputs: int
) -> tuple[str, ...]:
    """Return the classes in the model's order.

    Raises:
        DataInvalid: fewer than two classes, or others than the model's, each named.
    """
    if len(found) < 2:
        raise DataInvalid(f"only one class, {found[0]!r}: there is nothing to tell apart")
    if not class_names:
        if num_outputs and len(found) != num_outputs:
            raise DataInvalid(
                f"the data has {len(found)} classes ({listed(list(found))}), the model has"
                f" {num_outputs} outputs: name the classes in the model's task"
            )
        return tuple(found)
    missing = [repr(name) for name in class_names if name not in found]
    unexpected = [repr(name) for name in found if name not in class_names]
    if missing or unexpected:
        raise DataInvalid(
            f"the data's {len(found)} classes are not the model's {len(class_names)}:"
            f" without a folder: {listed(missing) or 'none'};"
            f" without an output: {listed(unexpected) or 'none'}"
        )
    return tuple(class_names)


def _summary_of_digits(spec: DatasetSpec, wants: DataWants) -> DatasetSummary:
    names = ordered_classes(bundled_digits.CLASS_NAMES, wants.class_names, wants.num_outputs)
    counts = dict(zip(bundled_digits.CLASS_NAMES, bundled_digits.NUM_IMAGES_PER_CLASS, strict=True))
    held_out = {
        name: num_kept_for_validation(counts[name], spec.validation_ratio) for name in names
    }
    return DatasetSummary(
        class_names=names,
        num_train_images=sum(counts.values()) - sum(held_out.values()),
        num_validation_images=sum(held_out.values()),
        num_images_per_class=tuple(counts[name] - held_out[name] for name in names),
    )


def _samples(images: dict[str, tuple[Path, ...]], names: Sequence[str]) -> Samples:
    return Samples(
        paths=tuple(path for name in names for path in images[name]),
        labels=tuple(label for label, name in enumerate(names) for _ in images[name]),
    )


def _checked(samples: FolderSamples) -> FolderSamples:
    if not samples.validation.labels:
        raise DataInvalid(
            "every class has a single image, so none is left for validation: add images or name a"
            " validation folder"
        )
    return samples
