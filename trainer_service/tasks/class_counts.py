"""How often each class was true, predicted, and both: what accuracy, F1 and IoU are made of."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from trainer_service.jobs import ClassEvaluation
from trainer_service.jobs.evaluation import MAX_CONFUSED_CLASSES
from trainer_service.tasks.task import Counted


def share(part: Tensor, whole: Tensor) -> float:
    """Return one count of another; NaN of nothing. Tensors would divide them in 32 bits."""
    counts = int(part), int(whole)
    return counts[0] / counts[1] if counts[1] else float("nan")


class ClassCounts:
    """Counts over a pass, of images or pixels. Exact: they are integers. Never waits to count."""

    def __init__(self, num_classes: int, device: torch.device) -> None:
        self._num_classes = num_classes
        self._right, self._predicted, self._true = torch.zeros(
            (3, num_classes), dtype=torch.int64, device=device
        )
        self._matrix: Tensor | None = None
        if num_classes <= MAX_CONFUSED_CLASSES:
            self._matrix = torch.zeros(num_classes**2, dtype=torch.int64, device=device)

    def add_choices(self, predicted: Tensor, true: Tensor, counted: Tensor) -> None:
        """Count predictions of one class each.

        Args:
            predicted: class indices, of any shape.
            true: the same; any valid index where nothing is counted.
            counted: bool of that shape.
        """
        predicted, true, ones = predicted.flatten(), true.flatten(), counted.flatten().long()
        self._predicted.scatter_add_(0, predicted, ones)
        self._true.scatter_add_(0, true, ones)
        self._right.scatter_add_(0, true, ones * (predicted == true))
        if self._matrix is not None:
            self._matrix.scatter_add_(0, true * self._num_classes + predicted, ones)

    def add_labels(self, predicted: Tensor, true: Tensor) -> None:
        """Count any number of classes at once.

        Args:
            predicted: [N, num_classes] bool.
            true: the same.
        """
        self._predicted += predicted.sum(0)
        self._true += true.sum(0)
        self._right += (predicted & true).sum(0)

    def state(self) -> Counted:
        """Return what was counted."""
        counts = {"right": self._right, "predicted": self._predicted, "true": self._true}
        return counts if self._matrix is None else {**counts, "matrix": self._matrix}

    def add(self, counted: Counted) -> None:
        """Count what another one counted."""
        for name, tensor in self.state().items():
            tensor += counted[name]

    def accuracy(self) -> float:
        """Return the share of right choices; NaN of none."""
        return share(self._right.sum(), self._true.sum())

    def mean(self, metric: str) -> float:
        """Return the mean of a metric over the classes where it is defined, NaN where it is in
        none: an F1 or IoU is that of a class which is true or predicted somewhere.
        """
        return float(self._per_class()[metric].nanmean())

    def classes(self, metrics: Sequence[str], names: Sequence[str]) -> tuple[ClassEvaluation, ...]:
        """Return these metrics of each class; NaN where one is 0 of 0."""
        columns = {metric: self._per_class()[metric].tolist() for metric in metrics}
        return tuple(
            ClassEvaluation(
                name=names[number] if names else "",
                metrics={metric: column[number] for metric, column in columns.items()},
                num_true=num_true,
            )
            for number, num_true in enumerate(self._true.tolist())
        )

    def confusion(self) -> tuple[int, ...]:
        """Return the matrix row by row, rows true; empty beyond MAX_CONFUSED_CLASSES."""
        return () if self._matrix is None else tuple(self._matrix.tolist())

    def _per_class(self) -> Mapping[str, Tensor]:
        """Return each metric, [num_classes] float64.

        Source: precision, recall, F1 and Jaccard index as torchmetrics has them, undefined where
        it says 0.
        """
        # float64 is exact for integers below 2 ** 53, and some devices have none of it.
        right, predicted, true = (
            each.cpu().double() for each in (self._right, self._predicted, self._true)
        )
        return {
            "precision": right / predicted,
            "recall": right / true,
            "f1": 2 * right / (predicted + true),
            "iou": right / (predicted + true - right),
        }
