"""Self-supervised training: two views of an image are to have near projections, other images far
ones. The projection is thrown away afterwards; what is kept are the features before it.

Source: Chen et al. 2020, arXiv:2002.05709.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from trainer_service.datasets.batch import Batch
from trainer_service.jobs import JobSpec, SimClrSpec, TrainPlan
from trainer_service.plan.projection import projection_units
from trainer_service.tasks.simclr_metrics import SimClrMetrics
from trainer_service.tasks.task import Learned

NUM_VIEWS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What the network and the projection gave for a batch."""

    features: Tensor | None
    """[B, F], of the images as they are; None in training."""
    projections: Tensor | None
    """[2B, D], all first views, then all second ones; None for references."""


def nt_xent(projections: Tensor, temperature: float) -> Tensor:
    """Return the mean over all 2B views of the cross-entropy of finding an image's other view
    among the 2B - 1 others, by cosine similarity. Guessing gives log(2B - 1).

    Args:
        projections: [2B, D], all first views, then all second ones.

    Source: SimCLR, equation 1 ("normalized temperature-scaled cross entropy").
    """
    units = normalize(projections.float(), dim=1)
    similarities = units @ units.T / temperature  # [2B, 2B]
    itself = torch.eye(len(units), dtype=torch.bool, device=units.device)
    others = torch.arange(len(units), device=units.device).roll(len(units) // NUM_VIEWS)
    return cross_entropy(similarities.masked_fill(itself, -torch.inf), others)


def make_projection(spec: SimClrSpec, num_features: int, *, seed: int) -> nn.Sequential:
    """Return the layers whose output is compared; their numbers are a function of the seed.

    Source: google-research/simclr, `projection_head`: every layer has a batch norm.
    """
    units = projection_units(spec, num_features)
    layers: list[nn.Module] = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for number, (before, width) in enumerate(pairwise((num_features, *units)), start=1):
            layers += [nn.Linear(before, width, bias=False), nn.BatchNorm1d(width)]
            layers += [nn.ReLU(inplace=True)] if number < len(units) else []
    return nn.Sequential(*layers)


class SimClr:
    """Pairs of views. `projection` trains beside the network and is never exported."""

    def __init__(self, spec: SimClrSpec, projection: nn.Module, device: torch.device) -> None:
        self.projection = projection.to(device)
        self._spec = spec
        self._device = device

    def project(self, network: nn.Module, views: Tensor) -> Tensor:
        """Return [2B, D], before anything is compared."""
        projections: Tensor = self.projection(network(views))
        return projections

    def loss(self, projections: Tensor) -> Tensor:
        """Return how badly the views of an image are found: a scalar."""
        return nt_xent(projections, self._spec.temperature)

    def learn(self, network: nn.Module, batch: Batch) -> Learned:
        """Return loss and projections of [2B, 3, H, W]."""
        self.projection.train()
        assert isinstance(batch.images, Tensor)
        projections = self.project(network, batch.images)
        return self.learned(self.loss(projections), projections)

    def learned(self, loss: Tensor, projections: Tensor) -> Learned:
        """Return what a training batch gave."""
        return Learned(loss=loss, outputs=Compared(features=None, projections=projections.detach()))

    def judge(self, network: nn.Module, batch: Batch) -> Learned:
        """Return loss, features and projections of [3B, 3, H, W]: images as they are, then their
        views; or the features alone of references [B, 3, H, W].
        """
        self.projection.eval()
        assert isinstance(batch.images, Tensor)
        features = network(batch.images).float()
        if batch.is_reference:
            outputs = Compared(features=features, projections=None)
            return Learned(loss=features.new_zeros(()), outputs=outputs)
        projections = self.projection(features[batch.num_images :])
        outputs = Compared(features=features[: batch.num_images], projections=projections)
        return Learned(loss=self.loss(projections), outputs=outputs)

    def weight(self, batch: Batch) -> float:
        """Return the number of images."""
        return 0.0 if batch.is_reference else float(batch.num_images)

    def batch_metrics(self, learned: Learned, batch: Batch) -> Mapping[str, float]:
        """Return how similar the views of an image are, from -1 to 1."""
        first, second = normalize(learned.outputs.projections.float(), dim=1).chunk(NUM_VIEWS)
        return {"similarity": float((first * second).sum(dim=1).mean())}

    def pass_metrics(self) -> SimClrMetrics:
        """Return metrics that have counted nothing yet."""
        return SimClrMetrics(self._device, num_neighbours=self._spec.num_neighbours)


def simclr_task(spec: JobSpec, plan: TrainPlan, device: torch.device) -> SimClr:
    """Return the task of a job, with a projection that has learned nothing."""
    assert spec.simclr is not None
    projection = make_projection(spec.simclr, plan.output.shape[0], seed=spec.seed)
    return SimClr(spec.simclr, projection, device)
