"""Masks that are files, one an image."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trainer_service.datasets.samples import PathTable, path_table
from trainer_service.datasets.truths import Masks

IndexMask = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskFiles:
    """One file an image."""

    paths: PathTable
    classes_of_values: Mapping[int, int] = field(default_factory=dict)
    """Class of a value; values that are not listed mean themselves."""

    def mask(self, position: int) -> IndexMask:
        """Return [h, w].

        Raises:
            ImageUnreadable: it cannot be read, or is in colour; says that it is the mask.
        """
        # Pillow is not for looking at a data set.
        from trainer_service.datasets.image_file import read_image_file
        from trainer_service.datasets.mask_pixels import decode_mask
        from trainer_service.datasets.pixels import ImageUnreadable

        path = self.paths.path(position)
        try:
            return translated(decode_mask(read_image_file(path)), self.classes_of_values)
        except (ImageUnreadable, OSError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise ImageUnreadable(f"its mask {str(path)!r}: {why}") from error

    def word(self, position: int) -> str:
        """Return nothing: only the pixels tell."""
        return ""


def mask_files(paths: Iterable[Path], classes_of_values: Mapping[int, int]) -> Masks:
    """Return the masks of these files."""
    table = path_table(paths)
    source = MaskFiles(paths=table, classes_of_values=classes_of_values)
    return Masks(source=source, chosen=np.arange(len(table)))


def translated(mask: IndexMask, classes_of_values: Mapping[int, int]) -> IndexMask:
    """Return the classes of a mask's values; what was translated is not translated again."""
    classes = mask.copy()
    for value, label in classes_of_values.items():
        classes[mask == value] = label
    return classes
