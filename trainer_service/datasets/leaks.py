"""The same picture in two splits: by its bytes, or by its look after another encoding or size."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

NUM_BANDS = 4
"""Pictures whose 64 bits differ in less than so many places share one quarter of them."""

MAX_DIFFERENCE = 3.0
"""Mean distance of two thumbnails, 0 to 255, up to which pictures look the same: what a JPEG of
usual quality or another size makes of a picture is below 2."""

MIN_CONTRAST = 6.0
"""Standard deviation of a thumbnail, 0 to 255, from which on it shows something: plain pictures all
look the same."""

MAX_COMPARED = 200_000
"""Images whose looks are compared; beyond, only their bytes are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prints:
    """What tells the pictures of a split apart."""

    digests: Sequence[str]
    """Empty for pictures that cannot be read."""
    thumbnails: npt.NDArray[np.uint8]
    """[N, 16, 16]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """A validation picture that is among the training pictures."""

    train: int
    validation: int
    is_identical: bool


def twins(train: Prints, validation: Prints) -> list[Twin]:
    """Return at most one twin for every validation picture; identical ones win."""
    first: dict[str, int] = {}
    for position, digest in enumerate(train.digests):
        if digest:
            first.setdefault(digest, position)
    found = {
        position: Twin(train=first[digest], validation=position, is_identical=True)
        for position, digest in enumerate(validation.digests)
        if digest in first
    }
    if len(train.digests) + len(validation.digests) <= MAX_COMPARED:
        for twin in _look_alikes(train, validation):
            found.setdefault(twin.validation, twin)
    return [found[position] for position in sorted(found)]


def _look_alikes(train: Prints, validation: Prints) -> Iterator[Twin]:
    codes, wanted = _codes(train.thumbnails), _codes(validation.thumbnails)
    orders = [np.argsort(codes[:, band], kind="stable") for band in range(NUM_BANDS)]
    sorted_codes = [codes[order, band] for band, order in enumerate(orders)]
    for position in np.flatnonzero(_shows_something(validation)):
        candidates = np.unique(
            np.concatenate(
                [
                    order[slice(*np.searchsorted(column, [code, int(code) + 1]))]
                    for order, column, code in zip(
                        orders, sorted_codes, wanted[position], strict=True
                    )
                ]
            )
        )
        if len(candidates):
            yield from _nearest(train, validation, candidates, int(position))


def _nearest(
    train: Prints, validation: Prints, candidates: npt.NDArray[np.int64], position: int
) -> Iterator[Twin]:
    own = validation.thumbnails[position].astype(np.int16)
    distances = np.abs(train.thumbnails[candidates] - own).mean(axis=(1, 2))
    best = int(distances.argmin())
    if distances[best] <= MAX_DIFFERENCE and train.digests[candidates[best]]:
        yield Twin(train=int(candidates[best]), validation=position, is_identical=False)


def _shows_something(prints: Prints) -> npt.NDArray[np.bool_]:
    contrast = prints.thumbnails.std(axis=(1, 2))
    is_usable = np.array([bool(digest) for digest in prints.digests], dtype=bool)
    return np.asarray((contrast >= MIN_CONTRAST) & is_usable, dtype=bool)


def _codes(thumbnails: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint16]:
    """Return [N, 4]: which of 8 x 8 fields are brighter than the middle one, a bit a field.

    Source: average hash with the median, as imagehash's `phash` takes it.
    """
    fields = thumbnails.reshape(-1, 8, 2, 8, 2).mean(axis=(2, 4)).reshape(-1, 64)
    bits = fields > np.median(fields, axis=1, keepdims=True)
    return np.ascontiguousarray(np.packbits(bits, axis=1)).view(np.uint16)
