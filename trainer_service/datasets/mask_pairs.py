"""Images and masks of the same name in two folders."""

from collections.abc import Sequence
from pathlib import Path

from catalog_service.errors import listed
from trainer_service.datasets.allowed_paths import allowed_folder
from trainer_service.datasets.class_order import named_outputs
from trainer_service.datasets.file_pictures import file_pictures
from trainer_service.datasets.folder_listing import other_folder
from trainer_service.datasets.image_folder import image_files
from trainer_service.datasets.mask_files import mask_files
from trainer_service.datasets.samples import Listing, Samples
from trainer_service.datasets.truths import Nothing
from trainer_service.datasets.wants import DataWants
from trainer_service.errors import DataInvalid
from trainer_service.jobs import DatasetSpec


def image_mask_pairs(spec: DatasetSpec, wants: DataWants, allowed_roots: Sequence[str]) -> Listing:
    """Return images with their masks.

    Raises:
        DataInvalid: no such folders, no pair in them, two masks of one name, or a model that does
            not say how many classes there are.
        PathOutsideRoots: a folder or a link in it leaves the allowed roots.
    """
    names = named_outputs(wants)
    images = allowed_folder(spec.path, allowed_roots)
    masks = allowed_folder(spec.targets_path, allowed_roots)
    train = _pairs(images, masks, spec, wants, allowed_roots)
    if not spec.validation_path:
        return Listing(class_names=names, train=train)
    held_out = other_folder(spec.validation_path, images, allowed_roots)
    held_out_masks = allowed_folder(spec.validation_targets_path, allowed_roots)
    validation = _pairs(held_out, held_out_masks, spec, wants, allowed_roots)
    return Listing(class_names=names, train=train, validation=validation)


def _pairs(
    images: Path, masks: Path, spec: DatasetSpec, wants: DataWants, allowed_roots: Sequence[str]
) -> Samples:
    found = _by_stem(images, allowed_roots)
    if wants.task == "simclr":
        return Samples(pictures=file_pictures(found.values()), truth=Nothing(num_images=len(found)))
    masks_found = _by_stem(masks, allowed_roots)
    if not found.keys() & masks_found.keys():
        raise DataInvalid(
            f"no image in {str(images)!r} has a mask of its name in {str(masks)!r}: images"
            f" {listed(sorted(found)) or 'none'}; masks {listed(sorted(masks_found)) or 'none'}"
        )
    return Samples(
        pictures=file_pictures(found.values()),
        truth=mask_files(
            (masks_found.get(stem, masks / stem) for stem in found), spec.classes_of_values
        ),
        faults={
            position: f"no mask of its name in {str(masks)!r}"
            for position, stem in enumerate(found)
            if stem not in masks_found
        },
    )


def _by_stem(folder: Path, allowed_roots: Sequence[str]) -> dict[str, Path]:
    """Return image files by their path in the folder without the extension, sorted."""
    found: dict[str, Path] = {}
    for path in sorted(image_files(folder, allowed_roots)):
        inside = path.relative_to(folder) if path.is_relative_to(folder) else Path(path.name)
        stem = str(inside.with_suffix(""))
        if stem in found:
            raise DataInvalid(
                f"{str(found[stem])!r} and {str(path)!r} have the same name but for the extension"
            )
        found[stem] = path
    return found
