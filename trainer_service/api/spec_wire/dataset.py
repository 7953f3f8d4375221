"""DatasetSpec: where the images are. A reader and a writer for each kind of source."""

import math
from collections.abc import Callable, Mapping
from typing import Any, cast

from catalog_service.models.spec_check import MAX_SEED
from trainer_service.api.spec_wire.reader import Reader
from trainer_service.jobs import CsvSource, DatasetSpec, DrawnSource
from trainer_service.jobs.dataset_spec import (
    DEFAULT_CLUTTERED_SIDE_PX,
    DEFAULT_LABEL_SEPARATOR,
    DEFAULT_MAX_OBJECTS,
    DEFAULT_NUM_CLUTTERED,
    DEFAULT_NUM_SCENES,
    DEFAULT_SCENE_SIDE_PX,
    DEFAULT_VALIDATION_RATIO,
)
from vertebra.trainer.v1 import dataset_pb2 as data
from vertebra.trainer.v1 import train_job_pb2 as pb

SCENES_VALIDATION_RATIO = 0.5
"""Drawing more costs nothing, so half of the scenes judge."""

MAX_SCENES = 100_000
MAX_SCENE_SIDE_PX = 1024
MAX_SCENE_OBJECTS = 20

Fields = dict[str, Any]


def _folder(source: pb.ImageFolder) -> Fields:
    return {"path": source.path, "validation_path": source.validation_path}


def _folder_message(spec: DatasetSpec) -> pb.ImageFolder:
    return pb.ImageFolder(path=spec.path, validation_path=spec.validation_path)


def _digits(source: pb.BundledDigits) -> Fields:
    return {}


def _digits_message(spec: DatasetSpec) -> pb.BundledDigits:
    return pb.BundledDigits()


def _csv(source: data.CsvFile) -> Fields:
    table = CsvSource(
        images_path=source.images_path,
        image_column=source.image_column,
        target_columns=tuple(source.target_columns),
        split_column=source.split_column,
        label_separator=source.label_separator or DEFAULT_LABEL_SEPARATOR,
    )
    return {"path": source.path, "validation_path": source.validation_path, "csv": table}


def _csv_message(spec: DatasetSpec) -> data.CsvFile:
    return data.CsvFile(
        path=spec.path,
        validation_path=spec.validation_path,
        images_path=spec.csv.images_path,
        image_column=spec.csv.image_column,
        target_columns=spec.csv.target_columns,
        split_column=spec.csv.split_column,
        label_separator=spec.csv.label_separator,
    )


def _masks(source: data.ImageMaskPairs) -> Fields:
    return {
        "path": source.images_path,
        "targets_path": source.masks_path,
        "validation_path": source.validation_images_path,
        "validation_targets_path": source.validation_masks_path,
        "classes_of_values": dict(source.classes_of_values),
    }


def _masks_message(spec: DatasetSpec) -> data.ImageMaskPairs:
    return data.ImageMaskPairs(
        images_path=spec.path,
        masks_path=spec.targets_path,
        validation_images_path=spec.validation_path,
        validation_masks_path=spec.validation_targets_path,
        classes_of_values=spec.classes_of_values,
    )


def _coco(source: data.CocoDataset) -> Fields:
    return {
        "path": source.annotations_path,
        "targets_path": source.images_path,
        "validation_path": source.validation_annotations_path,
        "validation_targets_path": source.validation_images_path,
    }


def _coco_message(spec: DatasetSpec) -> data.CocoDataset:
    return data.CocoDataset(
        annotations_path=spec.path,
        images_path=spec.targets_path,
        validation_annotations_path=spec.validation_path,
        validation_images_path=spec.validation_targets_path,
    )


def _torchvision(source: data.TorchvisionDataset) -> Fields:
    return {"path": source.path, "name": source.name, "target_type": source.target_type}


def _torchvision_message(spec: DatasetSpec) -> data.TorchvisionDataset:
    return data.TorchvisionDataset(name=spec.name, path=spec.path, target_type=spec.target_type)


def _unlabelled(source: data.UnlabelledImages) -> Fields:
    return {"path": source.path, "validation_path": source.validation_path}


def _unlabelled_message(spec: DatasetSpec) -> data.UnlabelledImages:
    return data.UnlabelledImages(path=spec.path, validation_path=spec.validation_path)


def _scenes(source: data.DrawnScenes) -> Fields:
    drawn = DrawnSource(
        num_images=source.num_images or DEFAULT_NUM_SCENES,
        side_px=source.side_px or DEFAULT_SCENE_SIDE_PX,
        max_objects=source.max_objects or DEFAULT_MAX_OBJECTS,
        seed=source.seed,
    )
    return {"drawn": drawn}


def _scenes_message(spec: DatasetSpec) -> data.DrawnScenes:
    return data.DrawnScenes(
        num_images=spec.drawn.num_images,
        side_px=spec.drawn.side_px,
        max_objects=spec.drawn.max_objects,
        seed=spec.drawn.seed,
    )


def _cluttered(source: data.ClutteredDigits) -> Fields:
    drawn = DrawnSource(
        num_images=source.num_images or DEFAULT_NUM_CLUTTERED,
        side_px=source.side_px or DEFAULT_CLUTTERED_SIDE_PX,
        max_objects=source.max_digits or DEFAULT_MAX_OBJECTS,
        seed=source.seed,
    )
    return {"drawn": drawn}


def _cluttered_message(spec: DatasetSpec) -> data.ClutteredDigits:
    return data.ClutteredDigits(
        num_images=spec.drawn.num_images,
        side_px=spec.drawn.side_px,
        max_digits=spec.drawn.max_objects,
        seed=spec.drawn.seed,
    )


READERS: Mapping[str, Callable[[Any], Fields]] = {
    "image_folder": _folder,
    "bundled_digits": _digits,
    "csv": _csv,
    "image_mask_pairs": _masks,
    "coco": _coco,
    "torchvision": _torchvision,
    "unlabelled_images": _unlabelled,
    "drawn_scenes": _scenes,
    "cluttered_digits": _cluttered,
}
"""Name in the message -> what a source says."""

WRITERS: Mapping[str, Callable[[DatasetSpec], Any]] = {
    "image_folder": _folder_message,
    "bundled_digits": _digits_message,
    "csv": _csv_message,
    "image_mask_pairs": _masks_message,
    "coco": _coco_message,
    "torchvision": _torchvision_message,
    "unlabelled_images": _unlabelled_message,
    "drawn_scenes": _scenes_message,
    "cluttered_digits": _cluttered_message,
}
"""The way back."""

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "image_folder": ("path",),
    "csv": ("path",),
    "image_mask_pairs": ("images_path", "masks_path"),
    "coco": ("annotations_path", "images_path"),
    "torchvision": ("name", "path"),
    "unlabelled_images": ("path",),
}
"""Fields that a source cannot do without."""

TOGETHER: Mapping[str, tuple[str, str]] = {
    "image_mask_pairs": ("validation_images_path", "validation_masks_path"),
    "coco": ("validation_annotations_path", "validation_images_path"),
}
"""Both or none."""


def read_dataset(message: pb.DatasetSpec, reader: Reader) -> DatasetSpec:
    """Return where the images are; a source that is missing reads as an image folder."""
    kind = message.WhichOneof("source")
    if kind is None:
        reader.wrong("dataset", f"required: one of {', '.join(READERS)}")
        fields: Fields = {}
    else:
        fields = READERS[kind](getattr(message, kind))
        _check_source(kind, getattr(message, kind), reader)
    usual = SCENES_VALIDATION_RATIO if kind == "drawn_scenes" else DEFAULT_VALIDATION_RATIO
    spec = DatasetSpec(
        kind=cast(Any, kind or "image_folder"),
        validation_ratio=message.validation_ratio or usual,
        split_seed=message.split_seed,
        data_ratio=message.data_ratio or 1.0,
        max_unusable_ratio=message.max_unusable_ratio,
        **fields,
    )
    _check_numbers(spec, reader)
    return spec


def _check_source(kind: str, source: Any, reader: Reader) -> None:
    field = f"dataset.{kind}"
    for name in REQUIRED.get(kind, ()):
        if not getattr(source, name):
            reader.wrong(f"{field}.{name}", "required")
    if kind in TOGETHER:
        first, second = TOGETHER[kind]
        if bool(getattr(source, first)) != bool(getattr(source, second)):
            reader.wrong(f"{field}.{first}", f"is given without {second}, or it without this")
    for each in source.DESCRIPTOR.fields:
        if each.name.endswith("path") and not _is_place(getattr(source, each.name)):
            why = f"{getattr(source, each.name)!r} is no absolute path on the trainer's host, and"
            reader.wrong(f"{field}.{each.name}", f"{why} no URL")


def _is_place(path: str) -> bool:
    """Return whether a path is empty, absolute or a URL; `datasets` says which are allowed."""
    return not path or path.startswith("/") or "://" in path


def _check_numbers(spec: DatasetSpec, reader: Reader) -> None:
    if not 0 < spec.validation_ratio < 1:
        reader.wrong("dataset.validation_ratio", f"{spec.validation_ratio} is not between 0 and 1")
    if not 0 < spec.data_ratio <= 1:
        reader.wrong("dataset.data_ratio", f"{spec.data_ratio} is not between 0 and 1")
    if not (math.isfinite(spec.max_unusable_ratio) and 0 <= spec.max_unusable_ratio < 1):
        why = f"{spec.max_unusable_ratio} is not between 0 and 1"
        reader.wrong("dataset.max_unusable_ratio", why)
    if spec.split_seed > MAX_SEED:
        reader.wrong("dataset.split_seed", f"{spec.split_seed} is larger than 2^63 - 1")
    if spec.kind in ("drawn_scenes", "cluttered_digits"):
        field, drawn = f"dataset.{spec.kind}", spec.drawn
        objects = "max_objects" if spec.kind == "drawn_scenes" else "max_digits"
        reader.between(2, MAX_SCENES, drawn.num_images, f"{field}.num_images")
        reader.between(8, MAX_SCENE_SIDE_PX, drawn.side_px, f"{field}.side_px")
        reader.between(1, MAX_SCENE_OBJECTS, drawn.max_objects, f"{field}.{objects}")
        if drawn.seed > MAX_SEED:
            reader.wrong(f"{field}.seed", f"{drawn.seed} is larger than 2^63 - 1")


def place_of_data(spec: DatasetSpec) -> str:
    """Return the field that says where the data is, or which data where it has no place."""
    paths = [name for name in REQUIRED.get(spec.kind, ()) if name.endswith("path")]
    return ".".join(["spec.dataset", spec.kind, *paths[:1]])


def dataset_message(spec: DatasetSpec) -> pb.DatasetSpec:
    """Return where the images are, with all defaults spelled out."""
    message = pb.DatasetSpec(
        validation_ratio=spec.validation_ratio,
        split_seed=spec.split_seed,
        data_ratio=spec.data_ratio,
        max_unusable_ratio=spec.max_unusable_ratio,
    )
    source = getattr(message, spec.kind)
    source.SetInParent()
    source.CopyFrom(WRITERS[spec.kind](spec))
    return message
