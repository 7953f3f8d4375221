"""Every image is read and decoded once before training starts, so that a broken file fails the job
in its first minute and not in its third hour. What was decoded is kept where memory allows.
"""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from trainer_service.datasets.pixels import Pixels
from trainer_service.datasets.sample_reader import ReadSample, SampleReader
from trainer_service.datasets.truths import Masks

CHUNK = 256
"""Images that are decoded between two looks at whether to stop: a second or so."""

THUMBNAIL_PX = 16
"""Both sides of what is remembered of a picture's look."""

Tick = Callable[[int], None]
"""Called with the number of images checked so far; may raise to stop."""


@dataclass(slots=True, kw_only=True)
class CheckedSplit:
    """What a pass over all images of a split gave."""

    digests: list[str]
    """sha256 in hex of every image; empty where it cannot be used."""
    mask_digests: list[str]
    thumbnails: npt.NDArray[np.uint8]
    """[N, 16, 16], grey."""
    class_counts: npt.NDArray[np.int64]
    """Images with each class, for masks; other truths know without looking."""
    faults: dict[int, str] = field(default_factory=dict)
    """Position -> why it cannot be used."""
    kept: Tensor | None = None
    """[N, H, W, 3], uint8, or None where they were not to be kept."""
    kept_masks: Tensor | None = None
    """[N, H, W], int16."""
    num_pixels: int = 0
    channel_sums: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((2, 3)))
    """Sums of values, and of their squares."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looked:
    """A sample and what is remembered of it, made by a thread of the pool."""

    sample: ReadSample
    thumbnail: npt.NDArray[np.uint8]
    sums: npt.NDArray[np.float64]
    classes: npt.NDArray[np.int64]


def check_split(reader: SampleReader, pool: Executor, *, keep: bool, tick: Tick) -> CheckedSplit:
    """Return what every image of a split is like; unusable ones are faults, not failures."""
    checked = _empty_check(reader, keep=keep)

    def look(position: int) -> _Looked | str:
        sample = reader.read(position)
        return sample if isinstance(sample, str) else _look(sample, reader)

    for start in range(0, len(reader), CHUNK):
        chunk = range(start, min(start + CHUNK, len(reader)))
        for position, looked in zip(chunk, pool.map(look, chunk), strict=True):
            if isinstance(looked, str):
                checked.faults[position] = looked
            else:
                _remember(checked, position, looked)
        tick(chunk.stop)
    return checked


def _empty_check(reader: SampleReader, *, keep: bool) -> CheckedSplit:
    count = len(reader)
    shape = (count, reader.contract.height_px, reader.contract.width_px)
    has_masks = isinstance(reader.samples.truth, Masks)
    return CheckedSplit(
        digests=[""] * count,
        mask_digests=[""] * count,
        thumbnails=np.zeros((count, THUMBNAIL_PX, THUMBNAIL_PX), dtype=np.uint8),
        class_counts=np.zeros(reader.num_classes, dtype=np.int64),
        kept=torch.zeros((*shape, 3), dtype=torch.uint8) if keep else None,
        kept_masks=torch.zeros(shape, dtype=torch.int16) if keep and has_masks else None,
    )


def _look(sample: ReadSample, reader: SampleReader) -> _Looked:
    classes = np.empty(0, dtype=np.int64)
    if sample.mask is not None:
        values = np.unique(sample.mask).astype(np.int64)
        classes = values[(values >= 0) & (values < reader.num_classes)]
    return _Looked(
        sample=sample,
        thumbnail=_thumbnail(sample.pixels),
        sums=_channel_sums(sample.pixels),
        classes=classes,
    )


def _thumbnail(pixels: Pixels) -> npt.NDArray[np.uint8]:
    size = (THUMBNAIL_PX, THUMBNAIL_PX)
    return np.asarray(Image.fromarray(pixels).convert("L").resize(size, Image.Resampling.BOX))


def _channel_sums(pixels: Pixels) -> npt.NDArray[np.float64]:
    flat = pixels.reshape(-1, 3)
    squares = np.square(flat, dtype=np.uint32)
    return np.stack([flat.sum(axis=0), squares.sum(axis=0, dtype=np.uint64)]).astype(np.float64)


def _remember(checked: CheckedSplit, position: int, looked: _Looked) -> None:
    sample = looked.sample
    checked.digests[position] = sample.digest
    checked.mask_digests[position] = sample.mask_digest
    checked.thumbnails[position] = looked.thumbnail
    checked.class_counts[looked.classes] += 1
    checked.num_pixels += sample.pixels.shape[0] * sample.pixels.shape[1]
    checked.channel_sums += looked.sums
    if checked.kept is not None:
        checked.kept[position] = torch.from_numpy(sample.pixels)
    if checked.kept_masks is not None and sample.mask is not None:
        checked.kept_masks[position] = torch.from_numpy(sample.mask)
