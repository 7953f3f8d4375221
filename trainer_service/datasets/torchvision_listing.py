"""Data sets that torchvision knows, as it leaves them on the disk. Nothing is downloaded, nothing
unpacked, and torchvision itself is not asked: it would import torch, and open CIFAR's pickles.

A new data set is one line here. Its folders are those of torchvision's own `root`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from catalog_service.errors import listed
from trainer_service.datasets import published_names as names
from trainer_service.datasets.allowed_paths import allowed_folder, real_path
from trainer_service.datasets.class_order import ordered_classes, output_of
from trainer_service.datasets.file_pictures import FilePictures
from trainer_service.datasets.mask_files import MaskFiles
from trainer_service.datasets.published import Part, Place, Published, Read
from trainer_service.datasets.published_arrays import cifar, idx_digits, stl10, svhn
from trainer_service.datasets.published_files import (
    AIRCRAFT_LISTS,
    PET_TARGETS,
    aircraft,
    class_tree,
    flowers,
    food,
    pets,
    textures,
    voc_masks,
)
from trainer_service.datasets.samples import Listing, Samples
from trainer_service.datasets.truths import Labels, Nothing, Truth
from trainer_service.datasets.wants import DataWants
from trainer_service.errors import DataInvalid
from trainer_service.jobs import DatasetSpec

LABELS, MASKS = "classification", "segmentation"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSet:
    """One data set."""

    read: Read
    tasks: tuple[str, ...] = (LABELS,)
    target_types: tuple[str, ...] = ()


def _imagenette(folder: str) -> KnownSet:
    read = partial(
        class_tree, train=f"{folder}/train", validation=f"{folder}/val", renamed=names.IMAGENETTE
    )
    return KnownSet(read=read)


KNOWN_SETS: Mapping[str, KnownSet] = {
    "caltech101": KnownSet(
        read=partial(
            class_tree, train="caltech101/101_ObjectCategories", without="BACKGROUND_Google"
        )
    ),
    "cifar10": KnownSet(
        read=partial(
            cifar,
            folder="cifar-10-batches-py",
            batches=tuple(f"data_batch_{number}" for number in range(1, 6)),
            meta="batches.meta",
            key="label",
        )
    ),
    "cifar100": KnownSet(
        read=partial(
            cifar, folder="cifar-100-python", batches=("train",), meta="meta", key="fine_label"
        )
    ),
    "country211": KnownSet(
        read=partial(class_tree, train="country211/train", validation="country211/valid")
    ),
    "dtd": KnownSet(read=textures),
    "eurosat": KnownSet(read=partial(class_tree, train="eurosat/2750")),
    "fashion_mnist": KnownSet(
        read=partial(idx_digits, folder="FashionMNIST", class_names=names.FASHION_MNIST)
    ),
    "fgvc_aircraft": KnownSet(read=aircraft, target_types=tuple(AIRCRAFT_LISTS)),
    "flowers102": KnownSet(read=flowers),
    "food101": KnownSet(read=food),
    "gtsrb": KnownSet(read=partial(class_tree, train="gtsrb/GTSRB/Training")),
    "imagenette": _imagenette("imagenette2"),
    "imagenette_160px": _imagenette("imagenette2-160"),
    "imagenette_320px": _imagenette("imagenette2-320"),
    "kmnist": KnownSet(read=partial(idx_digits, folder="KMNIST", class_names=names.KMNIST)),
    "mnist": KnownSet(read=partial(idx_digits, folder="MNIST", class_names=names.MNIST)),
    "oxford_iiit_pet": KnownSet(read=pets, tasks=(LABELS, MASKS), target_types=PET_TARGETS),
    "rendered_sst2": KnownSet(
        read=partial(class_tree, train="rendered-sst2/train", validation="rendered-sst2/valid")
    ),
    "stl10": KnownSet(read=stl10),
    "svhn": KnownSet(read=svhn),
    "voc_segmentation": KnownSet(read=voc_masks, tasks=(MASKS,)),
}
"""As torchvision spells them, in snake case. Source of folders, lists and formats: the modules of
torchvision.datasets, release 0.26."""


def torchvision_listing(
    spec: DatasetSpec, wants: DataWants, allowed_roots: Sequence[str]
) -> Listing:
    """Return a data set's images; validation is the publisher's, or else left to a split.

    Raises:
        DataInvalid: the name is not known, it cannot teach the task, its files are not there, or
            its classes are not the model's.
        PathOutsideRoots: its folder is outside of the allowed roots.
    """
    known = KNOWN_SETS.get(spec.name)
    if known is None:
        raise DataInvalid(
            f"no torchvision data set {spec.name!r}; known are {', '.join(KNOWN_SETS)}"
        )
    if wants.task not in (*known.tasks, "simclr"):
        raise DataInvalid(
            f"{spec.name} cannot teach {wants.task}; it is for {', '.join(known.tasks)}"
        )
    place = Place(
        root=allowed_folder(spec.path, allowed_roots),
        allowed_roots=allowed_roots,
        target_type=_target_type(spec, known, wants.task),
    )
    found = _read(known, place, spec)
    for part in (found.train, found.validation):
        _require_inside(part, allowed_roots)
    return _listing(found, wants)


def _read(known: KnownSet, place: Place, spec: DatasetSpec) -> Published:
    try:
        return known.read(place)
    except FileNotFoundError as error:
        raise DataInvalid(
            f"{spec.name} is not below {spec.path!r}: no {error.filename!r}; `path` is what"
            " torchvision calls root, with everything unpacked, and nothing is downloaded here"
        ) from error
    except (OSError, KeyError, IndexError, ValueError) as error:
        raise DataInvalid(
            f"{spec.name} below {spec.path!r} is not as torchvision leaves it:"
            f" {type(error).__name__} {error}"
        ) from error


def _require_inside(part: Part | None, allowed_roots: Sequence[str]) -> None:
    """Raise PathOutsideRoots for a list, or a link in it, that leads out of the allowed roots."""
    for position in range(len(part.pictures) if part else 0):
        assert part is not None
        if isinstance(part.pictures, FilePictures):
            real_path(part.pictures.path(position), allowed_roots)
        if part.masks is not None and isinstance(part.masks.source, MaskFiles):
            real_path(part.masks.source.paths.path(position), allowed_roots)


def _target_type(spec: DatasetSpec, known: KnownSet, task: str) -> str:
    if spec.target_type and spec.target_type not in known.target_types:
        raise DataInvalid(
            f"{spec.name} has no target_type {spec.target_type!r}; there are"
            f" {listed(list(known.target_types)) or 'none to choose from'}"
        )
    is_mask = spec.target_type == MASKS
    if spec.target_type and task in known.tasks and is_mask != (task == MASKS):
        raise DataInvalid(f"target_type {spec.target_type!r} cannot teach {task}")
    return MASKS if task == MASKS else spec.target_type


def _listing(found: Published, wants: DataWants) -> Listing:
    is_mask = found.train.masks is not None
    class_names = found.class_names if wants.task == "simclr" else _names(found, wants, is_mask)
    outputs = np.array(output_of(found.class_names, class_names), dtype=np.int64)

    def samples(part: Part) -> Samples:
        truth: Truth = Nothing(num_images=len(part.pictures))
        if part.labels is not None:
            truth = Labels(values=outputs[part.labels], class_names=class_names)
        elif part.masks is not None and wants.task == MASKS:
            truth = part.masks
        return Samples(pictures=part.pictures, truth=truth)

    return Listing(
        class_names=class_names,
        train=samples(found.train),
        validation=samples(found.validation) if found.validation else None,
    )


def _names(found: Published, wants: DataWants, is_mask: bool) -> tuple[str, ...]:
    names = ordered_classes(found.class_names, wants)
    if is_mask and names != found.class_names:
        raise DataInvalid(
            f"masks hold the classes in the order {listed(list(found.class_names))}: give the"
            " model's classes in this order"
        )
    return names
