"""Views of an image find each other, and what is measured of that is right."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from trainer_service.datasets.batch import Batch
from trainer_service.jobs import SimClrSpec
from trainer_service.plan.projection import projection_tensors
from trainer_service.tasks.simclr import SimClr, make_projection, nt_xent

CPU = torch.device("cpu")


def naive_loss(projections: Tensor, temperature: float) -> float:
    """SimCLR's equation 1, pair by pair."""
    num_views = len(projections)
    num_images = num_views // 2
    units = [row / row.norm() for row in projections]
    losses = []
    for i in range(num_views):
        other = (i + num_images) % num_views
        near = {k: math.exp(float(units[i] @ units[k]) / temperature) for k in range(num_views)}
        among = sum(value for k, value in near.items() if k != i)
        losses.append(-math.log(near[other] / among))
    return sum(losses) / num_views


@pytest.mark.parametrize("temperature", [0.1, 0.5, 1.0])
def test_the_loss_is_that_of_the_paper(temperature: float) -> None:
    projections = torch.randn(10, 7, generator=torch.Generator().manual_seed(0))

    loss = nt_xent(projections, temperature)

    assert float(loss) == pytest.approx(naive_loss(projections, temperature), rel=1e-5)


def test_guessing_costs_the_logarithm_of_the_number_of_others() -> None:
    assert float(nt_xent(torch.ones(10, 7), 0.5)) == pytest.approx(math.log(9))


def test_views_that_are_the_same_and_far_from_all_others_cost_nothing() -> None:
    apart = torch.eye(4).repeat(2, 1)

    assert float(nt_xent(apart, 0.01)) == pytest.approx(0, abs=1e-6)
    assert float(nt_xent(apart[torch.arange(8).roll(1)].sort(0).values, 0.01)) > 1


def test_sixteen_bits_are_compared_in_thirty_two() -> None:
    """A cosine over 0.1 in bfloat16 is off by more than views differ."""
    projections = torch.randn(64, 32, generator=torch.Generator().manual_seed(0)).bfloat16()

    assert nt_xent(projections, 0.1).dtype == torch.float32
    assert float(nt_xent(projections, 0.1)) == pytest.approx(
        float(nt_xent(projections.float(), 0.1)), rel=1e-6
    )


@pytest.mark.parametrize("units", [(), (32,), (64, 32, 16)])
def test_the_projection_has_the_parameters_that_the_plan_counts(units: tuple[int, ...]) -> None:
    spec = SimClrSpec(projection_units=units)

    projection = make_projection(spec, 24, seed=3)

    planned = {each.name: each.shape for each in projection_tensors(spec, 24)}
    made = nn.ModuleDict({"projection": projection}).named_parameters()
    assert {name: tuple(parameter.shape) for name, parameter in made} == planned


def test_the_projection_is_a_function_of_the_seed_and_draws_nothing_from_others() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    one, same, other = (make_projection(SimClrSpec(), 8, seed=seed) for seed in (1, 1, 2))

    assert torch.equal(one[0].weight, same[0].weight)
    assert not torch.equal(one[0].weight, other[0].weight)
    assert torch.equal(torch.get_rng_state(), before)


class Flat(nn.Module):
    """Features that are the images themselves."""

    def forward(self, images: Tensor) -> Tensor:
        """Return [B, 12]."""
        return images.flatten(1)


def batch_of(images: Tensor, num_images: int, *, is_reference: bool = False) -> Batch:
    """Return a batch whose images have labels 0, 1, 0, 1, ..."""
    return Batch(
        images=images,
        targets=torch.arange(num_images) % 2,
        positions=np.arange(num_images),
        is_reference=is_reference,
    )


def images_of(labels: Tensor, *, noise: float = 0.05) -> Tensor:
    """Return [N, 3, 2, 2]: images of one label are alike."""
    random = torch.Generator().manual_seed(int(labels.sum()))
    colours = torch.randn(2, 3, 2, 2, generator=torch.Generator().manual_seed(1))
    return colours[labels] + noise * torch.randn(len(labels), 3, 2, 2, generator=random)


def task(**settings) -> SimClr:  # type: ignore[no-untyped-def]
    """Return a task on 12 features."""
    spec = SimClrSpec(**settings)
    return SimClr(spec, make_projection(spec, 12, seed=0), CPU)


def test_learning_reaches_the_network_and_the_projection() -> None:
    simclr = task()
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 12))

    learned = simclr.learn(network, batch_of(torch.randn(16, 3, 2, 2), 8))
    learned.loss.backward()

    parameters = [*network.parameters(), *simclr.projection.parameters()]
    assert all(parameter.grad is not None for parameter in parameters)
    assert set(simclr.batch_metrics(learned, batch_of(torch.zeros(0), 8))) == {"similarity"}


def test_a_validation_tells_loss_neighbours_and_how_features_are_spread() -> None:
    simclr = task()
    labels = torch.arange(32) % 2
    metrics = simclr.pass_metrics()
    references = batch_of(images_of(labels), 32, is_reference=True)
    judged = batch_of(torch.cat([images_of(labels)] * 3), 32)

    with torch.no_grad():
        for batch in (references, judged):
            metrics.update(simclr.judge(Flat(), batch), batch)

    values = metrics.values()
    assert values["knn_accuracy"] == 1.0
    assert values["alignment"] == pytest.approx(0, abs=1e-6)
    assert metrics.evaluation().num_images == 32
    assert simclr.weight(references) == 0
    assert set(values) == {
        "loss",
        "knn_accuracy",
        "effective_rank",
        "alignment",
        "uniformity",
        "spread",
    }


def test_without_labels_there_is_no_probe() -> None:
    simclr = task()
    metrics = simclr.pass_metrics()
    batch = Batch(images=torch.randn(24, 3, 2, 2), targets=None, positions=np.arange(8))

    with torch.no_grad():
        metrics.update(simclr.judge(Flat(), batch), batch)

    assert "knn_accuracy" not in metrics.values()


def test_a_training_pass_tells_the_mean_loss_over_images() -> None:
    """Batches of 8 and 4 images: the mean is not that of the two losses."""
    simclr = task()
    metrics = simclr.pass_metrics()
    losses = []
    for size in (8, 4):
        batch = batch_of(torch.randn(2 * size, 3, 2, 2), size)
        learned = simclr.learn(Flat(), batch)
        losses.append(float(learned.loss.detach()))
        metrics.update(learned, batch)

    assert metrics.values()["loss"] == pytest.approx((8 * losses[0] + 4 * losses[1]) / 12, rel=1e-5)


def test_judging_moves_no_statistics_of_the_projection() -> None:
    simclr = task()
    before = {name: tensor.clone() for name, tensor in simclr.projection.state_dict().items()}

    simclr.judge(Flat(), batch_of(torch.randn(24, 3, 2, 2), 8))

    after = simclr.projection.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_directions_are_compared_not_lengths() -> None:
    projections = torch.randn(8, 5, generator=torch.Generator().manual_seed(0))

    scaled = projections * torch.arange(1, 9)[:, None]

    assert float(nt_xent(scaled, 0.5)) == pytest.approx(float(nt_xent(projections, 0.5)), rel=1e-5)
    assert not torch.equal(normalize(projections, dim=1), projections)
