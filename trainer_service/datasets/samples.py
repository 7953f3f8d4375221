"""Images by position, with what is true of them, before any is opened. No torch."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np
import numpy.typing as npt

from trainer_service.datasets.truths import Positions, Truth

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedPicture:
    """An image as a person would see it."""

    image: "Image.Image"
    """Upright, 8-bit RGB."""
    digest: str
    """sha256 in hex of the file's bytes, or of the pixels of what is drawn."""


class Pictures(Protocol):
    """Where the pixels of N images come from."""

    def __len__(self) -> int:
        """Return N."""
        ...

    def at(self, positions: Positions) -> Self:
        """Return these images."""
        ...

    def name(self, position: int) -> str:
        """Return what to call an image: its path, or `scene 12`."""
        ...

    def open(self, position: int) -> OpenedPicture:
        """Return an image.

        Raises:
            ImageUnreadable, OSError: it cannot be used.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PathTable:
    """Paths in one block of bytes: a tenth of what as many Python objects take."""

    block: bytes
    ends: npt.NDArray[np.int64]
    """Where each path ends."""

    def __len__(self) -> int:
        """Return the number of paths."""
        return len(self.ends)

    def path(self, position: int) -> Path:
        """Return one path."""
        start = int(self.ends[position - 1]) if position else 0
        return Path(self.block[start : int(self.ends[position])].decode("utf-8", "surrogateescape"))


def path_table(paths: Iterable[Path]) -> PathTable:
    """Return the paths as a table."""
    encoded = [str(path).encode("utf-8", "surrogateescape") for path in paths]
    lengths = np.array([len(path) for path in encoded], dtype=np.int64)
    return PathTable(block=b"".join(encoded), ends=np.cumsum(lengths))


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Images and what is true of them."""

    pictures: Pictures
    truth: Truth
    faults: Mapping[int, str] = field(default_factory=dict)
    """Position -> why this one cannot be used, known without opening it."""

    def __len__(self) -> int:
        """Return N."""
        return len(self.truth)

    def at(self, positions: Positions) -> "Samples":
        """Return the samples at these positions."""
        return Samples(
            pictures=self.pictures.at(positions),
            truth=self.truth.at(positions),
            faults={
                place: self.faults[int(position)]
                for place, position in enumerate(positions)
                if int(position) in self.faults
            },
        )

    def usable(self) -> "Samples":
        """Return the samples without known faults."""
        if not self.faults:
            return self
        return self.at(np.array([at for at in range(len(self)) if at not in self.faults]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a source holds, before it is split."""

    class_names: tuple[str, ...]
    """In the model's order; targets' names for regression."""
    train: Samples
    """All samples, where there is no validation of its own."""
    validation: Samples | None = None
    keypoint_names: tuple[str, ...] = ()
