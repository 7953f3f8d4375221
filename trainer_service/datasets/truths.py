"""What is true of images, as far as it is known without opening one: labels, numbers, objects.

One class a kind of truth, all arrays: an index of a million images takes megabytes, and threads
share it. No torch.
"""

from dataclasses import dataclass, field, replace
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

Positions = npt.NDArray[np.int64]
Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.uint8]

NUM_LEVELS = 10
"""Most groups in which numbers are split, so that high and low ones are in both splits."""

IMAGES_OF_A_LEVEL = 10
"""Fewest images of such a group."""


class Truth(Protocol):
    """What is true of N images."""

    def __len__(self) -> int:
        """Return N."""
        ...

    def at(self, positions: Positions) -> Self:
        """Return what is true of these images."""
        ...

    def strata(self) -> Integers:
        """Return [N]: images with the same number are alike, and are split evenly."""
        ...

    def counts(self) -> tuple[int, ...]:
        """Return the number of images with each class; empty where it is not known."""
        ...

    def word(self, position: int) -> str:
        """Return what is true of one image, for the fingerprint."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """Nothing is known of the images."""

    num_images: int

    def __len__(self) -> int:
        """Return N."""
        return self.num_images

    def at(self, positions: Positions) -> "Nothing":
        """Return as many of it."""
        return Nothing(num_images=len(positions))

    def strata(self) -> Integers:
        """Return zeros: all are alike."""
        return np.zeros(self.num_images, dtype=np.int64)

    def counts(self) -> tuple[int, ...]:
        """Return nothing."""
        return ()

    def word(self, position: int) -> str:
        """Return nothing."""
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """One class an image."""

    values: Integers
    """[N]; outputs of the model."""
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        """Return N."""
        return len(self.values)

    def at(self, positions: Positions) -> "Labels":
        """Return the labels of these images."""
        return replace(self, values=self.values[positions])

    def strata(self) -> Integers:
        """Return the labels."""
        return self.values

    def counts(self) -> tuple[int, ...]:
        """Return how often each label is there."""
        return tuple(np.bincount(self.values, minlength=len(self.class_names)).tolist())

    def word(self, position: int) -> str:
        """Return the class."""
        name: str = self.class_names[int(self.values[position])]
        return name


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """Any number of classes an image."""

    values: Floats
    """[N, K]; 0 or 1."""

    def __len__(self) -> int:
        """Return N."""
        return len(self.values)

    def at(self, positions: Positions) -> "Flags":
        """Return the flags of these images."""
        return Flags(values=self.values[positions])

    def strata(self) -> Integers:
        """Return the rarest class that each image has."""
        return rarest(self.values > 0)

    def counts(self) -> tuple[int, ...]:
        """Return the number of images with each class."""
        return tuple(self.values.sum(axis=0).astype(np.int64).tolist())

    def word(self, position: int) -> str:
        """Return the outputs that are true."""
        return ",".join(map(str, np.flatnonzero(self.values[position])))


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """Numbers of each image, in the data's own units."""

    values: Floats
    """[N, K]."""

    def __len__(self) -> int:
        """Return N."""
        return len(self.values)

    def at(self, positions: Positions) -> "Numbers":
        """Return the numbers of these images."""
        return Numbers(values=self.values[positions])

    def strata(self) -> Integers:
        """Return up to ten groups from low to high first numbers."""
        num_levels = min(max(len(self.values) // IMAGES_OF_A_LEVEL, 1), NUM_LEVELS)
        ranks = np.argsort(np.argsort(self.values[:, 0], kind="stable"), kind="stable")
        return ranks * num_levels // max(len(ranks), 1)

    def counts(self) -> tuple[int, ...]:
        """Return nothing: there are no classes."""
        return ()

    def word(self, position: int) -> str:
        """Return the numbers."""
        return ",".join(repr(float(value)) for value in self.values[position])


class MaskSource(Protocol):
    """Where the masks of N images come from."""

    def mask(self, position: int) -> npt.NDArray[np.int32]:
        """Return [h, w], class indices, or what `ignore_index` means; as large as the image."""
        ...

    def word(self, position: int) -> str:
        """Return what tells this mask from others, or nothing where only its pixels do."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Masks:
    """A class a pixel."""

    source: MaskSource
    chosen: Positions
    """[N]: positions in the source."""
    presence: npt.NDArray[np.bool_] | None = None
    """[positions of the source, K]: which classes an image has; None where only pixels tell."""

    def __len__(self) -> int:
        """Return N."""
        return len(self.chosen)

    def at(self, positions: Positions) -> "Masks":
        """Return the masks of these images."""
        return replace(self, chosen=self.chosen[positions])

    def strata(self) -> Integers:
        """Return the rarest class that each image has; zeros where that is not known."""
        if self.presence is None:
            return np.zeros(len(self.chosen), dtype=np.int64)
        return rarest(self.presence[self.chosen])

    def counts(self) -> tuple[int, ...]:
        """Return the number of images with each class."""
        if self.presence is None:
            return ()
        return tuple(self.presence[self.chosen].sum(axis=0).tolist())

    def word(self, position: int) -> str:
        """Return what the source says."""
        return self.source.word(int(self.chosen[position]))

    def mask(self, position: int) -> npt.NDArray[np.int32]:
        """Return [h, w]."""
        return self.source.mask(int(self.chosen[position]))


class Outlines(Protocol):
    """What draws the masks of objects."""

    def mask(self, object_index: int, width: int, height: int) -> Mask:
        """Return [h, w], 0 or 1."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Objects:
    """Boxes, labels, masks and points of the M objects in N images."""

    starts: Integers
    """[images + 1]: where an image's objects start in the columns below."""
    sizes: Integers
    """[images, 2]: width and height, as the annotations have it."""
    boxes: Floats
    """[M, 4]: x1, y1, x2, y2 in pixels."""
    labels: Integers
    """[M], from 0; the model's labels start at 1."""
    is_crowd: npt.NDArray[np.bool_]
    """[M]."""
    points: Floats
    """[M, K, 3]: x, y, visibility."""
    outlines: Outlines
    class_names: tuple[str, ...]
    chosen: Positions = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """[N]: images that are used."""

    def __len__(self) -> int:
        """Return N."""
        return len(self.chosen)

    def at(self, positions: Positions) -> "Objects":
        """Return the objects of these images."""
        return replace(self, chosen=self.chosen[positions])

    def strata(self) -> Integers:
        """Return the rarest class that each image has."""
        return rarest(self.presence())

    def counts(self) -> tuple[int, ...]:
        """Return the number of images with each class."""
        return tuple(self.presence().sum(axis=0).tolist())

    def word(self, position: int) -> str:
        """Return boxes and labels."""
        rows = self.rows(position)
        return f"{self.labels[rows].tolist()}{self.boxes[rows].tolist()}"

    def rows(self, position: int) -> slice:
        """Return where the image's objects are in the columns."""
        image = self.chosen[position]
        return slice(int(self.starts[image]), int(self.starts[image + 1]))

    def presence(self) -> npt.NDArray[np.bool_]:
        """Return [N, K]: which classes an image has, crowds left out."""
        whole = np.zeros((len(self.starts) - 1, len(self.class_names)), dtype=bool)
        owners = np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))
        whole[owners[~self.is_crowd], self.labels[~self.is_crowd]] = True
        return whole[self.chosen]


def rarest(presence: npt.NDArray[np.bool_]) -> Integers:
    """Return [N]: of the classes that an image has the one that the fewest images have, K for none.

    Splitting by it gives every class its share of both splits, as far as one number can.
    """
    counts = presence.sum(axis=0)
    ranked = np.where(presence, counts[None, :], np.iinfo(np.int64).max)
    if not presence.shape[1]:
        return np.zeros(len(presence), dtype=np.int64)
    found: Integers = np.where(presence.any(axis=1), ranked.argmin(axis=1), presence.shape[1])
    return found
