"""The hand-written digits that scikit-learn ships: 1,797 grey images of 8 x 8 pixels, for trying
things out where there is no network and no data.
"""

import numpy as np
import numpy.typing as npt

CLASS_NAMES = tuple("0123456789")

NUM_IMAGES_PER_CLASS = (178, 182, 177, 183, 181, 182, 181, 179, 174, 180)
"""Source: numpy.bincount(sklearn.datasets.load_digits().target). Known here so that looking at the
data set costs no import of scikit-learn."""

BRIGHTEST = 16
"""Source: the data set counts ink in blocks of 4 x 4 pixels, so values go from 0 to 16."""


def digit_labels() -> list[int]:
    """Return the label of every image, in the order of `digit_images`."""
    return [int(digit) for digit in _load()[1]]


def digit_images() -> npt.NDArray[np.uint8]:
    """Return [1797, 8, 8] grey images, 0 to 255."""
    return (_load()[0] * (255 / BRIGHTEST)).round().astype(np.uint8)


def _load() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    from sklearn.datasets import load_digits  # takes a second; only workers that need it pay

    digits = load_digits()
    return digits.images, digits.target
