"""Published data sets that are folders of images with lists beside them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from trainer_service.datasets.file_pictures import file_pictures
from trainer_service.datasets.image_folder import class_folders, images_of_classes
from trainer_service.datasets.mask_files import mask_files
from trainer_service.datasets.published import Part, Place, Published, listed_files
from trainer_service.datasets.published_arrays import matlab_column
from trainer_service.datasets.published_names import FLOWERS102, VOC
from trainer_service.errors import DataInvalid

PET_CLASSES = ("pet", "background", "border")
PET_VALUES = {1: 0, 2: 1, 3: 2}
"""Source: annotations/README of the data set: trimaps have 1, 2 and 3."""

PET_TARGETS = ("category", "binary-category", "segmentation")
AIRCRAFT_LISTS = {
    "variant": "variants.txt", "family": "families.txt", "manufacturer": "manufacturers.txt",
}  # fmt: skip


def class_tree(
    place: Place,
    *,
    train: str,
    validation: str = "",
    renamed: Mapping[str, str] | None = None,
    without: str = "",
) -> Published:
    """Return folders of one class each; `renamed` gives folders a speaking name."""
    trees = [_tree(place, folder, without) for folder in (train, validation) if folder]
    names = tuple(trees[0])

    def part(images: Mapping[str, Sequence[Path]]) -> Part:
        labels = [names.index(name) for name in images for _ in images[name]]
        return listed_files([path for name in images for path in images[name]], labels)

    return Published(
        class_names=tuple((renamed or {}).get(name, name) for name in names),
        train=part(trees[0]),
        validation=part(trees[1]) if validation else None,
    )


def _tree(place: Place, folder: str, without: str) -> dict[str, tuple[Path, ...]]:
    if not (place.root / folder).is_dir():
        raise FileNotFoundError(2, "No such folder", str(place.root / folder))
    folders = class_folders(place.root / folder, place.allowed_roots)
    folders.pop(without, None)
    return images_of_classes(folders, place.allowed_roots)


def pets(place: Place) -> Published:
    """Return Oxford-IIIT Pet: breeds, cats and dogs, or trimaps."""
    home = place.root / "oxford-iiit-pet"
    rows = [line.split() for line in _lines(home / "annotations" / "trainval.txt")]
    paths = [home / "images" / f"{row[0]}.jpg" for row in rows]
    if place.target_type == "segmentation":
        masks = [home / "annotations" / "trimaps" / f"{row[0]}.png" for row in rows]
        part = Part(pictures=file_pictures(paths), masks=mask_files(masks, PET_VALUES))
        return Published(class_names=PET_CLASSES, train=part)
    if place.target_type == "binary-category":
        labels = [int(row[2]) - 1 for row in rows]
        return Published(class_names=("Cat", "Dog"), train=listed_files(paths, labels))
    labels = [int(row[1]) - 1 for row in rows]
    names = {label: row[0].rsplit("_", 1)[0] for label, row in zip(labels, rows, strict=True)}
    spoken = [" ".join(word.title() for word in names[label].split("_")) for label in sorted(names)]
    return Published(class_names=tuple(spoken), train=listed_files(paths, labels))


def flowers(place: Place) -> Published:
    """Return Oxford Flowers 102 with its own validation split."""
    home = place.root / "flowers-102"
    labels = matlab_column(home / "imagelabels.mat", "labels") - 1

    def part(name: str) -> Part:
        numbers = matlab_column(home / "setid.mat", name)
        paths = [home / "jpg" / f"image_{number:05d}.jpg" for number in numbers]
        return listed_files(paths, labels[numbers - 1].tolist())

    return Published(class_names=FLOWERS102, train=part("trnid"), validation=part("valid"))


def textures(place: Place) -> Published:
    """Return DTD, its first partition."""
    home = place.root / "dtd" / "dtd"
    splits = {name: _lines(home / "labels" / f"{name}1.txt") for name in ("train", "val")}
    names = sorted({line.split("/")[0] for line in splits["train"]})
    parts = {
        name: listed_files(
            [home / "images" / line for line in lines],
            [names.index(line.split("/")[0]) for line in lines],
        )
        for name, lines in splits.items()
    }
    return Published(class_names=tuple(names), train=parts["train"], validation=parts["val"])


def food(place: Place) -> Published:
    """Return Food-101."""
    home = place.root / "food-101"
    listing = json.loads((home / "meta" / "train.json").read_text("utf-8"))
    names = sorted(listing)
    rows = [(names.index(name), path) for name in names for path in listing[name]]
    paths = [home / "images" / f"{path}.jpg" for _, path in rows]
    return Published(class_names=tuple(names), train=listed_files(paths, [row[0] for row in rows]))


def aircraft(place: Place) -> Published:
    """Return FGVC Aircraft: variants, families or manufacturers, with its validation split."""
    home = place.root / "fgvc-aircraft-2013b" / "data"
    level = place.target_type or "variant"
    names = _lines(home / AIRCRAFT_LISTS[level])

    def part(split: str) -> Part:
        rows = [line.split(" ", 1) for line in _lines(home / f"images_{level}_{split}.txt")]
        paths = [home / "images" / f"{row[0]}.jpg" for row in rows]
        return listed_files(paths, [names.index(row[1]) for row in rows])

    return Published(class_names=tuple(names), train=part("train"), validation=part("val"))


def voc_masks(place: Place) -> Published:
    """Return PASCAL VOC's segmentation, of the newest year that is there."""
    years = sorted((place.root / "VOCdevkit").glob("VOC20[01][0-9]"))
    if not years:
        raise FileNotFoundError(2, "No such folder", str(place.root / "VOCdevkit" / "VOC2012"))
    home = years[-1]

    def part(split: str) -> Part:
        names = _lines(home / "ImageSets" / "Segmentation" / f"{split}.txt")
        images = [home / "JPEGImages" / f"{name}.jpg" for name in names]
        masks = [home / "SegmentationClass" / f"{name}.png" for name in names]
        return Part(pictures=file_pictures(images), masks=mask_files(masks, {}))

    return Published(class_names=VOC, train=part("train"), validation=part("val"))


def _lines(path: Path) -> list[str]:
    """Return the lines of a list, without empty ones."""
    lines = [line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()]
    if not lines:
        raise DataInvalid(f"{str(path)!r} is empty")
    return lines
