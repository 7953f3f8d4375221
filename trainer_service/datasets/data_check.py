"""Every image is read and decoded once before training starts, so that a broken file fails the job
in its first minute and not in its third hour. What was decoded is kept where memory allows.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from catalog_service.errors import listed
from catalog_service.models.contracts import InputContract
from trainer_service.datasets.image_file import read_image_file
from trainer_service.datasets.inspect import Samples
from trainer_service.datasets.pixels import ImageUnreadable, Pixels, decode, fit
from trainer_service.errors import DataInvalid

CHUNK = 256
"""Images that are decoded between two looks at whether to stop: a second or so."""

Tick = Callable[[int], None]
"""Called with the number of images checked so far; may raise to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedImages:
    """What a pass over all files gave."""

    digests: tuple[str, ...]
    """sha256 in hex of every file's bytes."""
    kept: Tensor | None
    """[N, H, W, 3], uint8, or None where they were not to be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checked:
    path: Path
    digest: str = ""
    pixels: Pixels | None = None
    fault: str = ""


def check_images(
    samples: Samples, contract: InputContract, pool: Executor, *, keep: bool, tick: Tick
) -> CheckedImages:
    """Return the digest of every file, and its pixels where they are to be kept.

    Raises:
        DataInvalid: files that are no usable image; names up to five and says how many more.
    """
    num_images = len(samples.paths)
    kept = torch.empty(
        num_images if keep else 0, contract.height_px, contract.width_px, 3, dtype=torch.uint8
    )
    digests: list[str] = []
    faults: list[str] = []
    for start, chunk in _chunks(samples.paths, contract, pool):
        for position, checked in enumerate(chunk, start):
            digests.append(checked.digest)
            if checked.pixels is None:
                faults.append(f"{str(checked.path)!r} ({checked.fault})")
            elif keep:
                kept[position] = torch.from_numpy(checked.pixels)
        tick(start + len(chunk))
    if faults:
        raise DataInvalid(
            f"{len(faults)} of {num_images} images cannot be used: {listed(faults)}",
            metadata={"num_faults": str(len(faults))},
        )
    return CheckedImages(digests=tuple(digests), kept=kept if keep else None)


def _chunks(
    paths: Sequence[Path], contract: InputContract, pool: Executor
) -> Iterator[tuple[int, list[_Checked]]]:
    for start in range(0, len(paths), CHUNK):
        chunk = paths[start : start + CHUNK]
        yield start, list(pool.map(lambda path: _check(path, contract), chunk))


def _check(path: Path, contract: InputContract) -> _Checked:
    try:
        data = read_image_file(path)
        return _Checked(
            path=path,
            digest=hashlib.sha256(data).hexdigest(),
            pixels=np.ascontiguousarray(fit(decode(data), contract)),
        )
    except ImageUnreadable as error:
        return _Checked(path=path, fault=str(error))
    except OSError as error:
        return _Checked(path=path, fault=error.strerror or str(error))
