"""COCO annotations as samples: boxes, masks and points for detectors, painted masks, flags."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainer_service.datasets.allowed_paths import allowed_file, allowed_folder, is_allowed_file
from trainer_service.datasets.class_order import ordered_classes, ordered_points, output_of
from trainer_service.datasets.coco_file import (
    CocoFile,
    CocoImage,
    clipped_box,
    faults_of,
    read_coco,
)
from trainer_service.datasets.file_pictures import file_pictures
from trainer_service.datasets.painted_masks import BACKGROUND, PaintedMasks
from trainer_service.datasets.samples import Listing, Samples
from trainer_service.datasets.truths import Flags, Mask, Masks, Nothing, Objects, Truth
from trainer_service.datasets.wants import DataWants
from trainer_service.errors import DataInvalid
from trainer_service.jobs import DatasetSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class CocoOutlines:
    """Polygons and run lengths, as the file has them."""

    segments: tuple[bytes, ...]
    """JSON, one an object; a tenth of what parsed lists take."""

    def mask(self, object_index: int, width: int, height: int) -> Mask:
        """Return [h, w], 0 or 1.

        Source: COCO's own rasteriser, as faster_coco_eval has it.
        """
        from faster_coco_eval import mask as coco_mask  # half a second; only masks need it

        segment = json.loads(self.segments[object_index])
        if not segment:
            return np.zeros((height, width), dtype=np.uint8)
        runs: Any = segment
        if isinstance(segment, list):
            runs = coco_mask.merge(coco_mask.frPyObjects(segment, height, width))
        elif isinstance(segment["counts"], list):
            runs = coco_mask.frPyObjects(segment, height, width)
        else:
            runs = {**segment, "counts": segment["counts"].encode()}
        return np.ascontiguousarray(coco_mask.decode(runs), dtype=np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True)
class CocoClasses:
    """How categories become outputs."""

    names: tuple[str, ...]
    """The model's classes, background included where the task has one."""
    categories: tuple[str, ...]
    """The same without the background: what objects can be."""
    keypoint_names: tuple[str, ...]


def coco_listing(spec: DatasetSpec, wants: DataWants, allowed_roots: Sequence[str]) -> Listing:
    """Return the images of an annotation file.

    Raises:
        DataInvalid: the file cannot be read, or does not fit the model.
        PathOutsideRoots: it or an image is outside of the allowed roots.
    """
    file = read_coco(allowed_file(spec.path, allowed_roots))
    classes = _classes(file, wants)
    train = _samples(file, spec.targets_path, classes, wants, allowed_roots)
    held_out = None
    if spec.validation_path:
        other = read_coco(allowed_file(spec.validation_path, allowed_roots))
        if other.path == file.path:
            raise DataInvalid(f"{spec.validation_path!r} is the training file itself")
        folder = spec.validation_targets_path or spec.targets_path
        held_out = _samples(other, folder, classes, wants, allowed_roots)
    return Listing(
        class_names=classes.names,
        train=train,
        validation=held_out,
        keypoint_names=classes.keypoint_names,
    )


def _classes(file: CocoFile, wants: DataWants) -> CocoClasses:
    if wants.task == "simclr":
        return CocoClasses(names=(), categories=(), keypoint_names=())
    found = tuple(dict.fromkeys(file.categories.values()))
    if wants.class_names:  # categories that nothing has are no objection to a model without them
        used = file.used_names() | set(wants.class_names)
        found = tuple(name for name in found if name in used)
    background = (BACKGROUND,) if wants.task == "segmentation" else ()
    names = ordered_classes((*background, *(name for name in found if name != BACKGROUND)), wants)
    points = ordered_points(file.keypoint_names, wants) if wants.task == "keypoints" else ()
    if wants.task == "keypoints" and not points:
        raise DataInvalid(f"no category of {str(file.path)!r} has `keypoints`")
    return CocoClasses(
        names=names,
        categories=tuple(name for name in names if name not in background),
        keypoint_names=points,
    )


def _samples(
    file: CocoFile,
    images_path: str,
    classes: CocoClasses,
    wants: DataWants,
    allowed_roots: Sequence[str],
) -> Samples:
    folder = allowed_folder(images_path, allowed_roots)
    paths = [folder / image.file_name for image in file.images]
    faults: dict[int, str] = {}
    for position, (image, path) in enumerate(zip(file.images, paths, strict=True)):
        if not is_allowed_file(path, allowed_roots):
            faults[position] = "no such file"
        elif wants.task != "simclr":
            num_points = len(classes.keypoint_names)
            found = faults_of(image, file, wants.task, classes.categories, num_points)
            if fault := next(found, ""):
                faults[position] = fault
    truth: Truth = Nothing(num_images=len(paths))
    if wants.task != "simclr":
        usable = tuple(
            image
            if position not in faults
            else CocoImage(
                file_name=image.file_name, width=image.width, height=image.height, annotations=()
            )
            for position, image in enumerate(file.images)
        )
        truth = TRUTHS[wants.task](_object_table(usable, file, classes), classes, wants)
    return Samples(pictures=file_pictures(paths), truth=truth, faults=faults)


def _object_table(images: Sequence[CocoImage], file: CocoFile, classes: CocoClasses) -> Objects:
    flat = [(each, image) for image in images for each in image.annotations]
    outputs = {name: output for output, name in enumerate(classes.categories)}
    counts = [len(image.annotations) for image in images]
    num_points = len(classes.keypoint_names)
    return Objects(
        starts=np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]),
        sizes=np.array([(i.width, i.height) for i in images], dtype=np.int64).reshape(-1, 2),
        boxes=np.array(
            [clipped_box(each, image.width, image.height) for each, image in flat], dtype=np.float32
        ).reshape(-1, 4),
        labels=np.array([outputs[str(file.name_of(each))] for each, _ in flat], dtype=np.int64),
        is_crowd=np.array([bool(each.get("iscrowd")) for each, _ in flat], dtype=bool),
        points=np.array(
            [each["keypoints"] if num_points else () for each, _ in flat], dtype=np.float32
        ).reshape(len(flat), num_points, 3),
        outlines=CocoOutlines(
            segments=tuple(json.dumps(each.get("segmentation")).encode() for each, _ in flat)
        ),
        class_names=classes.categories,
        chosen=np.arange(len(images)),
    )


def _objects(objects: Objects, classes: CocoClasses, wants: DataWants) -> Truth:
    return objects


def _flags(objects: Objects, classes: CocoClasses, wants: DataWants) -> Truth:
    return Flags(values=objects.presence().astype(np.float32))


def _masks(objects: Objects, classes: CocoClasses, wants: DataWants) -> Truth:
    painted = PaintedMasks(
        objects=objects,
        outputs=tuple(output_of(classes.categories, classes.names)),
        background=classes.names.index(BACKGROUND),
        ignore_index=wants.ignore_index,
    )
    presence = painted.presence(len(classes.names))
    return Masks(source=painted, chosen=np.arange(len(objects)), presence=presence)


TRUTHS: Mapping[str, Callable[[Objects, CocoClasses, DataWants], Truth]] = {
    "detection": _objects,
    "instance_segmentation": _objects,
    "keypoints": _objects,
    "segmentation": _masks,
    "multilabel": _flags,
}
