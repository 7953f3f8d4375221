"""Images ready to be batched: decoded once and kept, or decoded whenever they are needed."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from catalog_service.models.contracts import InputContract
from trainer_service.datasets.batch import Positions, Targets
from trainer_service.datasets.image_file import read_image_file
from trainer_service.datasets.pixels import ImageUnreadable, decode, fit
from trainer_service.errors import DataInvalid


class Images(Protocol):
    """Images of one split by position, and what is true of them."""

    def __len__(self) -> int:
        """Return N."""
        ...

    def targets(self, positions: Positions) -> Targets:
        """Return what is true of these images, on the CPU."""
        ...

    def pixels(self, positions: Positions) -> Tensor:
        """Return [B, H, W, 3], uint8."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptImages:
    """Decoded once, kept in memory."""

    labels: Tensor
    kept: Tensor
    """[N, H, W, 3], uint8."""

    def __len__(self) -> int:
        """Return N."""
        return len(self.labels)

    def targets(self, positions: Positions) -> Targets:
        """Return [B], int64."""
        return self.labels[torch.from_numpy(positions)]

    def pixels(self, positions: Positions) -> Tensor:
        """Return [B, H, W, 3], uint8."""
        return self.kept.index_select(0, torch.from_numpy(positions))

    def part(self, start: int, end: int) -> "KeptImages":
        """Return these images, without a copy."""
        return KeptImages(labels=self.labels[start:end], kept=self.kept[start:end])


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagesOnDisk:
    """Decoded whenever they are needed, several at a time: Pillow leaves the interpreter's lock.

    Raises:
        DataInvalid: a file is no longer the image that was checked.
    """

    labels: Tensor
    paths: Sequence[Path]
    contract: InputContract
    pool: Executor

    def __len__(self) -> int:
        """Return N."""
        return len(self.paths)

    def targets(self, positions: Positions) -> Targets:
        """Return [B], int64."""
        return self.labels[torch.from_numpy(positions)]

    def pixels(self, positions: Positions) -> Tensor:
        """Return [B, H, W, 3], uint8."""
        paths = [self.paths[position] for position in positions]
        return torch.from_numpy(np.stack(list(self.pool.map(self._read, paths))))

    def part(self, start: int, end: int) -> "ImagesOnDisk":
        """Return these images."""
        return replace(self, labels=self.labels[start:end], paths=self.paths[start:end])

    def _read(self, path: Path) -> npt.NDArray[np.uint8]:
        try:
            return fit(decode(read_image_file(path)), self.contract)
        except (ImageUnreadable, OSError) as error:
            raise DataInvalid(
                f"{str(path)!r} changed after it was checked: {error}; start again and leave the"
                " data alone while the job runs"
            ) from error
