"""The bundled digits as samples; scikit-learn is imported when a picture is opened, not before."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from trainer_service.datasets import bundled_digits
from trainer_service.datasets.class_order import ordered_classes, output_of
from trainer_service.datasets.drawn_pictures import DrawnPictures, Pixels
from trainer_service.datasets.samples import Listing, Samples
from trainer_service.datasets.truths import Labels
from trainer_service.datasets.wants import DataWants
from trainer_service.jobs import DatasetSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class BundledDigits:
    """The digits, those of a class together."""

    def pixels(self, position: int) -> Pixels:
        """Return [8, 8, 3]."""
        return np.repeat(_sorted_digits()[position][:, :, None], 3, axis=2)


@cache
def _sorted_digits() -> npt.NDArray[np.uint8]:
    order = np.argsort(bundled_digits.digit_labels(), kind="stable")
    return bundled_digits.digit_images()[order]


def digits_listing(spec: DatasetSpec, wants: DataWants) -> Listing:
    """Return the digits by class.

    Raises:
        DataInvalid: the model has other classes.
    """
    found = bundled_digits.CLASS_NAMES
    names = ordered_classes(found, wants)
    labels = np.repeat(output_of(found, names), bundled_digits.NUM_IMAGES_PER_CLASS)
    every = np.arange(len(labels))
    return Listing(
        class_names=names,
        train=Samples(
            pictures=DrawnPictures(drawing=BundledDigits(), chosen=every, noun="digit"),
            truth=Labels(values=labels, class_names=names),
        ),
    )
