"""Images ready to be batched: decoded once and kept, or decoded whenever they are needed. Those
that cannot be read keep their position and are left out.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from trainer_service.datasets.batch import Positions, Targets
from trainer_service.datasets.object_targets import ObjectRows
from trainer_service.datasets.quarantine import Quarantine
from trainer_service.datasets.sample_reader import ReadSample, SampleReader
from trainer_service.datasets.truths import Masks
from trainer_service.errors import DataInvalid

PixelBatch = Tensor | list[Tensor]
"""[B, H, W, 3] uint8; for detectors a list of [H, W, 3]."""

NUM_MASK_DIMENSIONS = 3

CHANGED = "changed after it was checked"

Lost = npt.NDArray[np.bool_]
"""[N]: images that cannot be used; empty where all can."""


def _none_lost() -> Lost:
    return np.zeros(0, dtype=bool)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Images that could be read, of those that were asked for."""

    pixels: PixelBatch
    targets: Targets
    positions: Positions


class Images(Protocol):
    """Images of one split by position, and what is true of them."""

    @property
    def lost(self) -> Lost:
        """Return which ones cannot be used; read, never written."""
        ...

    def __len__(self) -> int:
        """Return N, lost ones included."""
        ...

    def read(self, positions: Positions) -> Loaded:
        """Return those of these images that can be read, on the CPU."""
        ...

    def targets(self, positions: Positions) -> Targets:
        """Return what is true of these images, on the CPU; all of them must be readable."""
        ...

    def pixels(self, positions: Positions) -> PixelBatch:
        """Return these images; all of them must be readable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptImages:
    """Decoded once, kept in memory."""

    labels: Tensor | ObjectRows | None
    """Of each image: [N] labels, [N, K] flags or numbers, [N, H, W] masks, or objects."""
    kept: Tensor
    """[N, H, W, 3], uint8."""
    lost: Lost = field(default_factory=_none_lost)

    def __len__(self) -> int:
        """Return N."""
        return len(self.kept)

    def read(self, positions: Positions) -> Loaded:
        """Return those that were not lost."""
        usable = _usable(positions, self.lost)
        return Loaded(pixels=self.pixels(usable), targets=self.targets(usable), positions=usable)

    def targets(self, positions: Positions) -> Targets:
        """Return what is true of these images."""
        return chosen_targets(self.labels, positions)

    def pixels(self, positions: Positions) -> Tensor:
        """Return [B, H, W, 3], uint8."""
        return self.kept.index_select(0, torch.from_numpy(positions))


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagesOnDisk:
    """Decoded whenever they are needed, several at a time: Pillow leaves the interpreter's lock."""

    labels: Tensor | ObjectRows | None
    """None for masks: they are read with their images."""
    reader: SampleReader
    pool: Executor
    quarantine: Quarantine
    lost: Lost
    digests: Sequence[str] = ()
    """Of each image when it was checked; empty where nobody checked."""

    def __len__(self) -> int:
        """Return N."""
        return len(self.reader)

    def read(self, positions: Positions) -> Loaded:
        """Return those that can be read; others go into quarantine.

        Raises:
            DataInvalid: the quarantine is full.
        """
        usable = _usable(positions, self.lost)
        found = list(self.pool.map(self._read, usable.tolist()))
        samples: list[ReadSample] = []
        for position, sample in zip(usable, found, strict=True):
            if isinstance(sample, ReadSample):
                samples.append(sample)
            else:
                self.lost[position] = True
                self.quarantine.add(self.reader.samples.pictures.name(int(position)), sample)
        left = usable[[isinstance(sample, ReadSample) for sample in found]]
        return Loaded(pixels=self._pixels(samples), targets=self._of(samples, left), positions=left)

    def _read(self, position: int) -> ReadSample | str:
        """Return a sample as it was checked, or why it cannot be used: what is kept of an image is
        kept under the digest of the check.
        """
        sample = self.reader.read(position)
        if isinstance(sample, str) or not self.digests:
            return sample
        return sample if sample.digest == self.digests[position] else CHANGED

    def targets(self, positions: Positions) -> Targets:
        """Return what is true of these images; masks are read."""
        if isinstance(self.reader.samples.truth, Masks):
            return self._whole(positions).targets
        return chosen_targets(self.labels, positions)

    def pixels(self, positions: Positions) -> PixelBatch:
        """Return these images."""
        return self._whole(positions).pixels

    def _whole(self, positions: Positions) -> Loaded:
        loaded = self.read(positions)
        if len(loaded.positions) < len(positions):
            lost = positions[~np.isin(positions, loaded.positions)][0]
            raise DataInvalid(f"{self.reader.samples.pictures.name(int(lost))!r} cannot be read")
        return loaded

    def _pixels(self, samples: list[ReadSample]) -> PixelBatch:
        pixels = [torch.from_numpy(sample.pixels) for sample in samples]
        if self.reader.contract.is_image_list:
            return pixels
        if not pixels:
            return torch.empty((0, *_shape(self.reader)), dtype=torch.uint8)
        return torch.stack(pixels)

    def _of(self, samples: list[ReadSample], positions: Positions) -> Targets:
        if not isinstance(self.reader.samples.truth, Masks):
            return chosen_targets(self.labels, positions)
        masks = [torch.from_numpy(sample.mask) for sample in samples if sample.mask is not None]
        if not masks:
            return torch.empty((0, *_shape(self.reader)[:2]), dtype=torch.int64)
        return torch.stack(masks).long()


def chosen_targets(labels: Tensor | ObjectRows | None, positions: Positions) -> Targets:
    """Return the rows at these positions; masks as int64, whatever they are kept as."""
    if labels is None:
        return None
    if isinstance(labels, ObjectRows):
        return labels.at(positions)
    chosen = labels.index_select(0, torch.from_numpy(positions))
    return chosen.long() if chosen.ndim == NUM_MASK_DIMENSIONS else chosen


def stand_ins(images: Images, positions: Positions) -> Positions:
    """Return these positions; in the place of a lost image the next one that is not.

    Raises:
        DataInvalid: all are lost.
    """
    if not images.lost.any():
        return positions
    usable = np.flatnonzero(~images.lost)
    if not len(usable):
        raise DataInvalid("no image of the split can be read any more")
    return usable[np.searchsorted(usable, positions) % len(usable)]


def read_all(images: Images, positions: Positions) -> Loaded:
    """Return exactly as many images: those that cannot be read have stand-ins."""
    chosen = stand_ins(images, positions)
    while len((loaded := images.read(chosen)).positions) < len(chosen):
        chosen = stand_ins(images, chosen)
    return loaded


def _usable(positions: Positions, lost: Lost) -> Positions:
    return positions[~lost[positions]] if len(lost) else positions


def _shape(reader: SampleReader) -> tuple[int, int, int]:
    return reader.contract.height_px, reader.contract.width_px, 3
