"""Folders of images as samples: one folder per class, or any folders of images without labels."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from trainer_service.datasets.allowed_paths import allowed_folder
from trainer_service.datasets.class_order import ordered_classes
from trainer_service.datasets.file_pictures import file_pictures
from trainer_service.datasets.image_folder import class_folders, image_files, images_of_classes
from trainer_service.datasets.samples import Listing, Samples
from trainer_service.datasets.truths import Labels, Nothing
from trainer_service.datasets.wants import DataWants
from trainer_service.errors import DataInvalid
from trainer_service.jobs import DatasetSpec


def image_folder(spec: DatasetSpec, wants: DataWants, allowed_roots: Sequence[str]) -> Listing:
    """Return the images of class folders.

    Raises:
        DataInvalid: no such folder, a class without images, or classes other than the model's.
        PathOutsideRoots: a folder or a link in it leaves the allowed roots.
    """
    folder = allowed_folder(spec.path, allowed_roots)
    folders = class_folders(folder, allowed_roots)
    names = ordered_classes(tuple(folders), wants)
    train = labelled(images_of_classes(folders, allowed_roots), names)
    if not spec.validation_path:
        return Listing(class_names=names, train=train)
    held_out = other_folder(spec.validation_path, folder, allowed_roots)
    held_out_folders = class_folders(held_out, allowed_roots)
    ordered_classes(tuple(held_out_folders), DataWants(task=wants.task, class_names=names))
    validation = labelled(images_of_classes(held_out_folders, allowed_roots), names)
    return Listing(class_names=names, train=train, validation=validation)


def unlabelled_images(spec: DatasetSpec, wants: DataWants, allowed_roots: Sequence[str]) -> Listing:
    """Return all images below a folder; raises as `image_folder` does."""
    folder = allowed_folder(spec.path, allowed_roots)
    train = _unlabelled(folder, allowed_roots)
    if not spec.validation_path:
        return Listing(class_names=(), train=train)
    held_out = other_folder(spec.validation_path, folder, allowed_roots)
    return Listing(class_names=(), train=train, validation=_unlabelled(held_out, allowed_roots))


def labelled(images: dict[str, tuple[Path, ...]], names: Sequence[str]) -> Samples:
    """Return the images of each class, classes in the order of `names`."""
    counts = [len(images[name]) for name in names]
    return Samples(
        pictures=file_pictures(path for name in names for path in images[name]),
        truth=Labels(values=np.repeat(np.arange(len(names)), counts), class_names=tuple(names)),
    )


def other_folder(path: str, folder: Path, allowed_roots: Sequence[str]) -> Path:
    """Return the real folder of validation images.

    Raises:
        DataInvalid: it is the training folder, or one lies in the other.
    """
    held_out = allowed_folder(path, allowed_roots)
    if held_out == folder:
        raise DataInvalid(f"{path!r} is the training folder itself")
    if held_out.is_relative_to(folder) or folder.is_relative_to(held_out):
        raise DataInvalid(
            f"of {path!r} and the training folder one lies in the other, so that images would be in"
            " both: keep them side by side"
        )
    return held_out


def _unlabelled(folder: Path, allowed_roots: Sequence[str]) -> Samples:
    files = sorted(image_files(folder, allowed_roots))
    if not files:
        raise DataInvalid(f"no images below {str(folder)!r}")
    return Samples(pictures=file_pictures(files), truth=Nothing(num_images=len(files)))
