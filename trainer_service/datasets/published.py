"""What every published data set is read as: classes, and pictures with labels or masks."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trainer_service.datasets.drawn_pictures import DrawnPictures, Pixels
from trainer_service.datasets.file_pictures import file_pictures
from trainer_service.datasets.samples import Pictures
from trainer_service.datasets.truths import Masks

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One split: pictures, and a label or a mask of each."""

    pictures: Pictures
    labels: Labels | None = None
    """[N]: places in the class names."""
    masks: Masks | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A data set as its publisher arranged it. Test images are nowhere: they are left alone."""

    class_names: tuple[str, ...]
    train: Part
    validation: Part | None = None
    """None where the publisher has no validation split."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a data set lies, and what is wanted of it."""

    root: Path
    allowed_roots: Sequence[str]
    target_type: str


Read = Callable[[Place], Published]


class PackedImages:
    """Images of one file, which is read when the first of them is drawn."""

    def __init__(self, load: Callable[[], Pixels]) -> None:
        self._load = load
        self._images: Pixels | None = None

    def pixels(self, position: int) -> Pixels:
        """Return [h, w, 3]."""
        if self._images is None:
            self._images = self._load()
        image = self._images[position]
        return image if image.ndim == 3 else np.repeat(image[:, :, None], 3, axis=2)


def packed(noun: str, labels: Iterable[int], load: Callable[[], Pixels]) -> Part:
    """Return the images of an array [N, h, w] or [N, h, w, 3]."""
    found = np.array(list(labels), dtype=np.int64)
    pictures = DrawnPictures(drawing=PackedImages(load), chosen=np.arange(len(found)), noun=noun)
    return Part(pictures=pictures, labels=found)


def listed_files(paths: Sequence[Path], labels: Iterable[int]) -> Part:
    """Return image files with their labels."""
    return Part(pictures=file_pictures(paths), labels=np.array(list(labels), dtype=np.int64))
