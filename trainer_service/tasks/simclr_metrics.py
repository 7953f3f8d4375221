"""How good features are that nobody named: whether views of an image are found, whether neighbours
are of one class, and whether the features use their dimensions.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import normalize, one_hot

from trainer_service.datasets.batch import Batch
from trainer_service.jobs import Evaluation
from trainer_service.tasks.task import Counted, Learned, MeanLoss, as_count, joined, part, under

NEIGHBOUR_TEMPERATURE = 0.07
"""Neighbours vote with exp(cosine / this). Source: Wu et al. 2018, arXiv:1805.01978, section 3."""

UNIFORMITY_SCALE = 2.0
"""t of exp(-t distance squared). Source: Wang and Isola 2020, arXiv:2005.10242, section 4."""

MAX_COMPARED = 2048
"""Images whose distances to each other are computed: a matrix of so many rows and columns."""


class SimClrMetrics:
    """Over one pass. In training: the loss. In validation, besides: `knn_accuracy` where images
    are labelled, `effective_rank`, `alignment`, `uniformity`, `spread`.
    """

    def __init__(self, device: torch.device, *, num_neighbours: int) -> None:
        self._loss = MeanLoss(device)
        self._num_neighbours = num_neighbours
        self._num_images = 0
        self._references: list[tuple[Tensor, Tensor]] = []
        self._labels: list[Tensor] = []
        self._features: list[Tensor] = []
        self._pairs: list[Tensor] = []

    def update(self, learned: Learned, batch: Batch) -> None:
        """Count one batch, or remember references."""
        outputs, labels = learned.outputs, batch.targets
        if batch.is_reference:
            assert isinstance(labels, Tensor)
            self._references.append((normalize(outputs.features, dim=1), labels))
            return
        self._loss.update(learned.loss, batch.num_images)
        self._num_images += batch.num_images
        if outputs.features is None:
            return
        self._features.append(outputs.features)
        self._pairs.append(torch.stack(outputs.projections.float().chunk(2)))  # [2, B, D]
        if isinstance(labels, Tensor):
            self._labels.append(labels)

    def values(self) -> Mapping[str, float]:
        """Return the metrics of all batches so far."""
        values = {"loss": self._loss.value()}
        if self._features:
            features = torch.cat(self._features)
            pairs = normalize(torch.cat(self._pairs, dim=1), dim=2)  # [2, N, D]
            values |= {
                "effective_rank": effective_rank(features),
                "alignment": alignment(pairs[0], pairs[1]),
                "uniformity": uniformity(pairs[0]),
                "spread": spread(pairs[0]),
            }
            if self._references and self._labels:
                values["knn_accuracy"] = self._knn_accuracy(features)
        return values

    def evaluation(self) -> Evaluation:
        """Return the same."""
        return Evaluation(metrics=self.values(), num_images=self._num_images)

    def state(self) -> Counted:
        """Return what was counted."""
        rows = joined(
            {
                "references": [each for each, _ in self._references],
                "reference_labels": [each for _, each in self._references],
                "labels": self._labels,
                "features": self._features,
                "pairs": [each.transpose(0, 1) for each in self._pairs],  # [B, 2, D]
            }
        )
        counts = {"num_images": as_count(self._num_images)}
        return {**under("loss", self._loss.state()), **counts, **rows}

    def add(self, counted: Counted) -> None:
        """Count what another pass counted."""
        self._loss.add(part(counted, "loss"))
        self._num_images += int(counted["num_images"])
        if "references" in counted:
            self._references.append((counted["references"], counted["reference_labels"]))
        if "labels" in counted:
            self._labels.append(counted["labels"])
        if "features" in counted:
            self._features.append(counted["features"])
            self._pairs.append(counted["pairs"].transpose(0, 1))

    def _knn_accuracy(self, features: Tensor) -> float:
        labels = torch.cat(self._labels)
        predicted = nearest_labels(
            normalize(features, dim=1),
            torch.cat([each for each, _ in self._references]),
            torch.cat([each for _, each in self._references]),
            num_neighbours=self._num_neighbours,
        )
        return float((predicted == labels).float().mean())


def nearest_labels(
    units: Tensor, references: Tensor, labels: Tensor, *, num_neighbours: int
) -> Tensor:
    """Return [N], the label that the nearest references vote for, weighed by their nearness.

    Args:
        units: [N, F], of length 1.
        references: [M, F], of length 1; their labels are [M].

    Source: Wu et al. 2018, arXiv:1805.01978, section 3.4.
    """
    near = (units @ references.T).topk(min(num_neighbours, len(references)), dim=1)
    votes = one_hot(labels[near.indices]) * (near.values / NEIGHBOUR_TEMPERATURE).exp()[..., None]
    return votes.sum(dim=1).argmax(dim=1)


def effective_rank(features: Tensor) -> float:
    """Return the exponential of the entropy of the shares of the singular values: how many
    dimensions are used, from 1 to min(N, F); 0 where all features are zero, NaN where one is not
    finite.

    Source: Roy and Vetterli 2007; Garrido et al. 2023, arXiv:2210.02885, equation 1.
    """
    if not bool(torch.isfinite(features).all()):
        return math.nan
    values = torch.linalg.svdvals(features[:MAX_COMPARED].double())
    total = float(values.sum())
    if not total:
        return 0.0
    shares = values / total
    return float(torch.special.entr(shares).sum().exp())


def alignment(first: Tensor, second: Tensor) -> float:
    """Return the mean squared distance of the views of an image, from 0 (the same) to 4.

    Args:
        first: [N, D], of length 1, like `second`.

    Source: Wang and Isola 2020, arXiv:2005.10242, equation 4.
    """
    return float((first - second).square().sum(dim=1).mean())


def uniformity(units: Tensor) -> float:
    """Return the logarithm of the mean Gaussian potential of two images: 0 where all are the same,
    about -4 where they are spread evenly over the sphere.

    Source: Wang and Isola 2020, arXiv:2005.10242, equation 5.
    """
    if len(units) < 2:
        return 0.0
    squares = torch.pdist(units[:MAX_COMPARED]).square()
    return float((-UNIFORMITY_SCALE * squares).exp().mean().log())


def spread(units: Tensor) -> float:
    """Return the root of the mean squared distance from the mean, from 0 (all the same) to 1.

    Args:
        units: [N, D], of length 1.
    """
    return float((units - units.mean(dim=0)).square().sum(dim=1).mean().sqrt())
