"""What is shown of one image, and what each task has to say for that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image
from torch import Tensor

from trainer_service.datasets.batch import ObjectTargets
from trainer_service.datasets.pixels import Pixels
from trainer_service.jobs.exports import ClassColor, SamplePanel
from trainer_service.tasks.task import Outputs

ClassMap = npt.NDArray[np.int16]
"""[H, W]: the class of each pixel; -1 where it is of none."""

Answer = Tensor | ObjectTargets | ClassMap
"""What is true of an image, or what a model said of it, on the CPU. By the task:
classification and multilabel [K] probabilities, regression [K] values; segmentation a class map;
detection and its like objects, the model's with `scores`, best first."""

Panels = Mapping[SamplePanel, Image.Image]
"""From left to right, all of one size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An image that the model has looked at."""

    position: int
    """In the validation images."""
    pixels: Pixels
    """[H, W, 3], before normalisation."""
    truth: Answer
    """As its data has it: [] for a class."""
    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The same in words."""

    truth: str
    prediction: str
    badness: float
    """Grows with how wrong the model is; compared within a task."""
    is_right: bool | None = None
    legend: tuple[ClassColor, ...] = ()


class Showing(Protocol):
    """How the images of a task are shown."""

    def truths(self, targets: object) -> Sequence[Answer]:
        """Return what is true of each image of a batch."""
        ...

    def answers(self, outputs: Outputs) -> Sequence[Answer]:
        """Return what the model said of each, and no more of it than is shown."""
        ...

    def told(self, seen: Seen) -> Told:
        """Return it in words."""
        ...

    def panels(self, seen: Seen) -> Panels:
        """Return it drawn."""
        ...


def class_word(names: Sequence[str], index: int) -> str:
    """Return what a class is called: its name, or its number."""
    return names[index] if index < len(names) else str(index)
