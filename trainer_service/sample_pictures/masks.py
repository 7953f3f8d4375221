"""Images with a class for every pixel: the image, the true mask, the model's."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image
from torch import Tensor

from catalog_service.errors import listed
from trainer_service.datasets.pixels import Pixels
from trainer_service.jobs import TrainPlan
from trainer_service.sample_pictures.colors import color_of, legend_of
from trainer_service.sample_pictures.panels import Size, fitted, panel_size
from trainer_service.sample_pictures.shown import (
    Answer,
    ClassMap,
    Panels,
    Seen,
    Told,
    class_word,
)
from trainer_service.tasks.segmentation import is_multilabel
from trainer_service.tasks.task import Outputs

NONE = -1
"""A pixel that is of no class to the model."""

TINT = 0.62
"""Of a class's colour; the rest is the image, so that one sees what the mask lies on."""
STRIPE_PX = 6
STRIPES = (168, 216)
"""Greys of what counts for nothing."""


class ClassMaps:
    """A class for every pixel."""

    def __init__(self, plan: TrainPlan) -> None:
        self._names = plan.output.class_names
        self._ignored = plan.loss.ignore_index
        self._may_be_none = is_multilabel(plan)
        first = self._names[0].strip("_").lower() if self._names else ""
        self._background = 0 if first == "background" else NONE

    def truths(self, targets: object) -> Sequence[Answer]:
        """Return the masks."""
        return _maps(targets)

    def answers(self, outputs: Outputs) -> Sequence[Answer]:
        """Return the best class of every pixel; none where classes are independent and all are
        unlikely.
        """
        best, classes = outputs.max(dim=1)
        return _maps(classes.masked_fill(best <= 0, NONE) if self._may_be_none else classes)

    def told(self, seen: Seen) -> Told:
        """Return `car (3.1 %, IoU 0.64)`: how much of the image, and how well it lies."""
        true, answer = _map(seen.truth), _map(seen.answer)
        counted = true != self._ignored
        shares, said = _shares(true, counted), _shares(answer, counted)
        overlaps = {index: _iou(true, answer, counted, index) for index in shares | said}
        overlaps.pop(NONE, None)
        return Told(
            truth=self._words({index: f"{_percent(share)}" for index, share in shares.items()})
            + _uncounted(counted),
            prediction=self._words(
                {
                    index: f"{_percent(share)}"
                    + (f", IoU {overlaps[index]:.2f}" if index in overlaps else "")
                    for index, share in said.items()
                }
            ),
            badness=1 - sum(overlaps.values()) / len(overlaps) if overlaps else 0.0,
            legend=legend_of(self._names, overlaps.keys() - {self._background}),
        )

    def panels(self, seen: Seen) -> Panels:
        """Return the image, the true mask over it, the model's over it."""
        size = panel_size(seen.pixels)
        plain = fitted(seen.pixels, size)
        return {
            "image": plain,
            "truth": self._over(plain, _map(seen.truth), size),
            "prediction": self._over(plain, _map(seen.answer), size),
        }

    def _over(self, plain: Image.Image, classes: ClassMap, size: Size) -> Image.Image:
        """Return a mask over its image. Only classes have colours: the rest of it is grey."""
        wide = np.array(Image.fromarray(classes).resize(size, Image.Resampling.NEAREST))
        grey = np.asarray(plain.convert("L").convert("RGB"), dtype=np.float32)
        drawn = 0.75 * grey + 24
        for index in set(np.unique(wide).tolist()) - {NONE, self._background, self._ignored}:
            where = wide == index
            tint = np.array(color_of(index), dtype=np.float32)
            drawn[where] = TINT * tint + (1 - TINT) * grey[where]
        ignored = wide == self._ignored
        drawn[ignored] = _stripes(wide.shape)[ignored]
        return Image.fromarray(drawn.round().astype(np.uint8))

    def _words(self, told: Mapping[int, str]) -> str:
        """Return the classes with what is told of each; the background only where it is all."""
        shown = {index: each for index, each in told.items() if index >= 0}
        if len(shown) > 1:
            shown.pop(self._background, None)
        words = [f"{class_word(self._names, index)} ({each})" for index, each in shown.items()]
        return listed(words) or "nothing"


def _maps(tensor: object) -> list[ClassMap]:
    assert isinstance(tensor, Tensor)
    return list(tensor.detach().cpu().numpy().astype(np.int16))


def _map(answer: Answer) -> ClassMap:
    assert isinstance(answer, np.ndarray)
    return answer


def _shares(classes: ClassMap, counted: npt.NDArray[np.bool_]) -> dict[int, float]:
    """Return the share of each class in the pixels that count, largest first."""
    found, counts = np.unique(classes[counted], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return {int(found[at]): float(counts[at] / counts.sum()) for at in order}


def _iou(true: ClassMap, answer: ClassMap, counted: npt.NDArray[np.bool_], index: int) -> float:
    here, there = (true == index) & counted, (answer == index) & counted
    return float((here & there).sum() / max((here | there).sum(), 1))


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.1f} %"


def _uncounted(counted: npt.NDArray[np.bool_]) -> str:
    share = 1 - float(counted.mean())
    return f"; {_percent(share)} not counted" if share else ""


def _stripes(shape: tuple[int, ...]) -> Pixels:
    """Return slanted stripes, [H, W, 3]."""
    places = np.add.outer(np.arange(shape[0]), np.arange(shape[1])) // STRIPE_PX % 2
    return np.repeat(np.array(STRIPES, dtype=np.uint8)[places][:, :, None], 3, axis=2)
