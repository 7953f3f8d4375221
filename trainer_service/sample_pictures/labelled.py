"""Images with a class, several classes or numbers: the image itself, and words."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from catalog_service.errors import listed
from trainer_service.jobs import TrainPlan
from trainer_service.sample_pictures.panels import fitted, panel_size
from trainer_service.sample_pictures.shown import Answer, Panels, Seen, Told, class_word
from trainer_service.tasks.regression import Units
from trainer_service.tasks.task import Outputs

CPU = torch.device("cpu")


def rows(tensor: object) -> Sequence[Tensor]:
    """Return what a batch's tensor says of each image, on the CPU."""
    assert isinstance(tensor, Tensor)
    return list(tensor.detach().float().cpu())


def row(answer: Answer) -> Tensor:
    """Return an answer that is a tensor."""
    assert isinstance(answer, Tensor)
    return answer


def bare(seen: Seen) -> Panels:
    """Return the image alone."""
    return {"image": fitted(seen.pixels, panel_size(seen.pixels))}


class OneClass:
    """A class an image."""

    def __init__(self, plan: TrainPlan) -> None:
        self._names = plan.output.class_names
        self._are_independent = plan.output.activation == "sigmoid"

    def truths(self, targets: object) -> Sequence[Answer]:
        """Return class numbers."""
        return rows(targets)

    def answers(self, outputs: Outputs) -> Sequence[Answer]:
        """Return probabilities."""
        logits = outputs.float()
        return rows(logits.sigmoid() if self._are_independent else logits.softmax(dim=1))

    def told(self, seen: Seen) -> Told:
        """Return `dog (0.97), cat (0.02)`: the true class is there, too."""
        true, answer = int(row(seen.truth)), row(seen.answer)
        best = int(answer.argmax())
        named = dict.fromkeys((best, true))
        return Told(
            truth=class_word(self._names, true),
            prediction=sure(self._names, answer, list(named)),
            badness=surprise(float(answer[true])),
            is_right=best == true,
        )

    def panels(self, seen: Seen) -> Panels:
        """Return the image."""
        return bare(seen)


class ManyClasses:
    """Any number of classes an image."""

    def __init__(self, plan: TrainPlan) -> None:
        self._names = plan.output.class_names

    def truths(self, targets: object) -> Sequence[Answer]:
        """Return flags."""
        return rows(targets)

    def answers(self, outputs: Outputs) -> Sequence[Answer]:
        """Return probabilities."""
        return rows(outputs.float().sigmoid())

    def told(self, seen: Seen) -> Told:
        """Return `cat (0.98), dog (0.71)`: what the model takes for true."""
        true, answer = row(seen.truth) > 0, row(seen.answer)
        said = answer > 0.5
        chance = torch.where(true, answer, 1 - answer)
        indices = [int(index) for index in answer.argsort(descending=True) if said[index]]
        labels = [class_word(self._names, int(index)) for index in true.nonzero()]
        return Told(
            truth=listed(labels) or "nothing",
            prediction=sure(self._names, answer, indices) or "nothing",
            badness=sum(map(surprise, chance.tolist())) / len(chance),
            is_right=bool((said == true).all()),
        )

    def panels(self, seen: Seen) -> Panels:
        """Return the image."""
        return bare(seen)


class Values:
    """Numbers of an image."""

    def __init__(self, plan: TrainPlan) -> None:
        self._names = plan.output.target_names or plan.output.class_names
        self._units = Units(plan.output, CPU)

    def truths(self, targets: object) -> Sequence[Answer]:
        """Return values in the data's units."""
        return rows(targets)

    def answers(self, outputs: Outputs) -> Sequence[Answer]:
        """Return the same."""
        return rows(self._units.values(outputs.detach().float().cpu()))

    def told(self, seen: Seen) -> Told:
        """Return `age 31.5, height 1.74`."""
        true, answer = row(seen.truth), row(seen.answer)
        errors = self._units.standardised(true) - self._units.standardised(answer)
        return Told(
            truth=self._values(true),
            prediction=self._values(answer),
            badness=float(errors.abs().mean()),
        )

    def panels(self, seen: Seen) -> Panels:
        """Return the image."""
        return bare(seen)

    def _values(self, values: Tensor) -> str:
        named = [
            f"{self._names[number]} {value:.4g}" if self._names else f"{value:.4g}"
            for number, value in enumerate(values.tolist())
        ]
        return listed(named)


def sure(names: Sequence[str], probabilities: Tensor, indices: Sequence[int]) -> str:
    """Return `dog (0.97), cat (0.02)`."""
    return listed(
        [f"{class_word(names, index)} ({float(probabilities[index]):.2f})" for index in indices]
    )


def surprise(probability: float) -> float:
    """Return how much it says against a model that it gave the truth this probability."""
    return -math.log(max(probability, 1e-12)) if probability == probability else math.inf
