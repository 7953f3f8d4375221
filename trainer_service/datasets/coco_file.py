"""An annotation file as COCO writes it, read into columns. Knows no task and opens no image.

Source: https://cocodataset.org/#format-data.
"""

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from catalog_service.errors import listed
from trainer_service.datasets.coco_outline import outline_fault
from trainer_service.errors import DataInvalid

Json = Mapping[str, Any]

OUTLINED = ("segmentation", "instance_segmentation")
"""Tasks that need more than boxes."""

MAX_SIDE_PX = 2**31 - 1
"""More than any image format can have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CocoImage:
    """One image and its annotations."""

    file_name: str
    width: int
    height: int
    annotations: tuple[Json, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CocoFile:
    """Images, categories and points."""

    path: Path
    images: tuple[CocoImage, ...]
    """In the file's order."""
    categories: Mapping[int, str]
    """Name of each id, ids ascending."""
    keypoint_names: tuple[str, ...]
    """Of the first category that has points."""

    def used_names(self) -> frozenset[str]:
        """Return the names of categories that objects have."""
        names = (self.name_of(each) for image in self.images for each in image.annotations)
        return frozenset(name for name in names if name is not None)

    def name_of(self, annotation: Json) -> str | None:
        """Return the name of an object's category; None where it has none."""
        key = annotation.get("category_id")
        if isinstance(key, float) and key.is_integer():
            key = int(key)
        return self.categories.get(key) if isinstance(key, int) else None


def read_coco(path: Path) -> CocoFile:
    """Return what an annotation file holds.

    Raises:
        DataInvalid: it cannot be read, is no JSON, or lacks what COCO's format has; says where.
    """
    document = _document(path)
    try:
        return _coco(path, document)
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise DataInvalid(
            f"{str(path)!r} is not as COCO writes it: {type(error).__name__} {error}; it has"
            " `images` (id, file_name, width, height), `annotations` (image_id, category_id, bbox)"
            " and `categories` (id, name)"
        ) from error


def _document(path: Path) -> Json:
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise DataInvalid(f"cannot read {str(path)!r}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise DataInvalid(f"{str(path)!r} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise DataInvalid(f"{str(path)!r} holds no object; COCO's format has `images` in it")
    return document


def _coco(path: Path, document: Json) -> CocoFile:
    _require_own_ids(path, document)
    categories = {int(each["id"]): _text(each["name"]) for each in document["categories"]}
    by_image: dict[int, list[Json]] = {int(each["id"]): [] for each in document["images"]}
    if strangers := [
        str(each["image_id"])
        for each in document.get("annotations", [])
        if each["image_id"] not in by_image
    ]:
        raise DataInvalid(
            f"{str(path)!r} annotates images that it does not list: {listed(strangers)}"
        )
    for each in document.get("annotations", []):
        by_image[each["image_id"]].append(each)
    points = [each["keypoints"] for each in document["categories"] if each.get("keypoints")]
    return CocoFile(
        path=path,
        images=tuple(
            CocoImage(
                file_name=str(each["file_name"]),
                width=_side(each["width"]),
                height=_side(each["height"]),
                annotations=tuple(by_image[int(each["id"])]),
            )
            for each in document["images"]
        ),
        categories=dict(sorted(categories.items())),
        keypoint_names=tuple(map(_text, points[0])) if points else (),
    )


def _require_own_ids(path: Path, document: Json) -> None:
    """Raise DataInvalid where images or categories share an id: annotations go by nothing else."""
    for kind in ("images", "categories"):
        counts = Counter(int(each["id"]) for each in document[kind])
        if shared := [str(key) for key, count in counts.items() if count > 1]:
            raise DataInvalid(
                f"{str(path)!r} gives several of its `{kind}` the ids {listed(shared)}: which"
                " annotations are whose cannot be told; give each its own id"
            )


def _text(name: object) -> str:
    """Return a name; ValueError where it is no text that can be written down."""
    return str(name).encode().decode()


def _side(number: Any) -> int:
    """Return the pixels of a side; ValueError where no image has so many."""
    side = int(number)
    if not 0 < side <= MAX_SIDE_PX:
        raise ValueError(f"{number!r} is no width or height")
    return side


def clipped_box(annotation: Json, width: int, height: int) -> tuple[float, ...]:
    """Return x1, y1, x2, y2 inside the image; equal sides where nothing of it is."""
    x, y, wide, high = (float(number) for number in annotation["bbox"])
    if not all(map(math.isfinite, (x, y, wide, high))):
        return 0.0, 0.0, 0.0, 0.0
    left, right = (min(max(side, 0.0), width) for side in (x, x + wide))
    top, bottom = (min(max(side, 0.0), height) for side in (y, y + high))
    return left, top, right, bottom


def faults_of(
    image: CocoImage, file: CocoFile, task: str, known: Sequence[str], num_points: int
) -> Iterator[str]:
    """Yield what is wrong with an image's annotations."""
    for each in image.annotations:
        key = each.get("id", "without an id")
        name = file.name_of(each)
        if name is None or name not in known:
            shown = repr(name) if name else each.get("category_id")
            yield f"annotation {key}: category {shown} is no class of the model"
            continue
        if not _is_box(each, image):
            yield f"annotation {key}: no part of its box {each.get('bbox')} is in the image"
        elif task in OUTLINED and not each.get("segmentation"):
            yield f"annotation {key} has no segmentation"
        elif task in OUTLINED and (
            fault := outline_fault(each["segmentation"], image.width, image.height)
        ):
            yield f"annotation {key}: {fault}"
        elif task == "keypoints" and (fault := _points_fault(each, num_points)):
            yield f"annotation {key} has {fault}"


def _points_fault(annotation: Json, num_points: int) -> str:
    points = annotation.get("keypoints") or ()
    try:
        numbers = np.array(points, dtype=np.float32).reshape(-1)
    except (TypeError, ValueError, OverflowError):
        return "keypoints that are no numbers"
    if len(numbers) != 3 * num_points:
        return f"{len(numbers)} keypoint numbers, not {3 * num_points}"
    return "" if np.isfinite(numbers).all() else "keypoints that are no finite numbers"


def _is_box(annotation: Json, image: CocoImage) -> bool:
    try:
        left, top, right, bottom = clipped_box(annotation, image.width, image.height)
    except (KeyError, TypeError, ValueError, OverflowError):
        return False
    return right > left and bottom > top
