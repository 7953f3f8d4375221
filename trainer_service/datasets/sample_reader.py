"""One image and its mask: opened, made to fit the model, checked against what is known of it."""

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from catalog_service.errors import listed
from catalog_service.models.contracts import InputContract
from trainer_service.datasets.pixels import ImageUnreadable, Pixels, fit, fit_mask
from trainer_service.datasets.samples import Samples
from trainer_service.datasets.truths import Masks, Objects

FittedMask = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSample:
    """One sample, ready to be batched."""

    pixels: Pixels
    """[H, W, 3], uint8."""
    mask: FittedMask | None
    digest: str
    """sha256 in hex of the image."""
    mask_digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleReader:
    """Opens the samples of one split."""

    samples: Samples
    contract: InputContract
    num_classes: int
    ignore_index: int

    def __len__(self) -> int:
        """Return N."""
        return len(self.samples)

    def read(self, position: int) -> ReadSample | str:
        """Return a sample, or why it cannot be used."""
        if fault := self.samples.faults.get(position):
            return fault
        try:
            return self._read(position)
        except ImageUnreadable as error:
            return str(error)
        except OSError as error:
            return error.strerror or str(error)

    def _read(self, position: int) -> ReadSample:
        opened = self.samples.pictures.open(position)
        self._require_annotated_size(position, opened.image)
        if self.contract.is_image_list:
            pixels = np.array(opened.image)
        else:
            pixels = np.ascontiguousarray(fit(opened.image, self.contract))
        truth = self.samples.truth
        if not isinstance(truth, Masks):
            return ReadSample(pixels=pixels, mask=None, digest=opened.digest)
        mask = self._mask(truth, position, opened.image.size)
        return ReadSample(
            pixels=pixels,
            mask=mask,
            digest=opened.digest,
            mask_digest=hashlib.sha256(mask.tobytes()).hexdigest(),
        )

    def _require_annotated_size(self, position: int, image: Image.Image) -> None:
        truth = self.samples.truth
        if not isinstance(truth, Objects):
            return
        width, height = map(int, truth.sizes[truth.chosen[position]])
        if (width, height) != image.size:
            raise ImageUnreadable(
                f"{image.width} x {image.height} pixels upright, annotated as {width} x {height}"
            )

    def _mask(self, truth: Masks, position: int, size: tuple[int, int]) -> FittedMask:
        mask = truth.mask(position)
        height, width = mask.shape
        if (width, height) != size:
            raise ImageUnreadable(
                f"{size[0]} x {size[1]} pixels upright, its mask {width} x {height}"
            )
        self._require_classes(mask)
        fitted = fit_mask(mask, self.contract, outside=self.ignore_index)
        return np.ascontiguousarray(fitted.astype(np.int16))

    def _require_classes(self, mask: npt.NDArray[np.int32]) -> None:
        values = np.unique(mask)
        is_known = (values >= 0) & (values < self.num_classes) | (values == self.ignore_index)
        if unknown := values[~is_known].tolist():
            raise ImageUnreadable(
                f"its mask has the values {listed([str(value) for value in unknown])}; there are"
                f" {self.num_classes} classes (0 to {self.num_classes - 1}), and"
                f" {self.ignore_index} counts for nothing: set classes_of_values, the model's"
                " classes or ignore_index"
            )
