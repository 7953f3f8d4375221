"""What is said of features is what the papers define."""

import math

import pytest
import torch
from torch.nn.functional import normalize

from trainer_service.jobs import EpochMetrics
from trainer_service.tasks.simclr_collapse import SMALLEST_SPREAD, collapse_in
from trainer_service.tasks.simclr_metrics import (
    alignment,
    effective_rank,
    nearest_labels,
    spread,
    uniformity,
)


def random_units(num_rows: int, width: int) -> torch.Tensor:
    """Return rows of length 1 in all directions."""
    random = torch.Generator().manual_seed(0)
    return normalize(torch.randn(num_rows, width, generator=random), dim=1)


@pytest.mark.parametrize("rank", [1, 3, 8])
def test_the_effective_rank_counts_directions_of_equal_weight(rank: int) -> None:
    directions = torch.linalg.qr(torch.randn(20, rank, generator=torch.Generator().manual_seed(0)))

    assert effective_rank(directions.Q) == pytest.approx(rank, rel=1e-5)


def test_features_that_are_all_zero_use_no_dimension() -> None:
    assert effective_rank(torch.zeros(5, 4)) == 0


def test_features_that_are_not_finite_are_not_called_healthy() -> None:
    assert math.isnan(effective_rank(torch.full((5, 4), torch.nan)))


def test_alignment_is_the_squared_distance_of_views() -> None:
    units = random_units(6, 4)

    assert alignment(units, units) == 0
    assert alignment(units, -units) == pytest.approx(4)


def test_uniformity_tells_spheres_from_points() -> None:
    units = random_units(400, 64)
    pairs = [(units[i] - units[j]).square().sum() for i in range(400) for j in range(i)]
    naive = float(torch.stack(pairs).mul(-2).exp().mean().log())

    assert uniformity(units) == pytest.approx(naive, rel=1e-4)
    assert uniformity(units) == pytest.approx(-4, abs=0.2)
    assert uniformity(torch.ones(8, 4) / 2) == 0
    assert uniformity(units[:1]) == 0


def test_spread_is_nothing_for_a_point_and_one_for_a_sphere() -> None:
    assert spread(torch.ones(8, 4) / 2) == 0
    assert spread(random_units(1000, 64)) == pytest.approx(1, abs=0.01)


def test_neighbours_vote_by_their_nearness() -> None:
    """One neighbour that is near outvotes two that are far."""
    references = normalize(torch.tensor([[1.0, 0.05], [0.2, 1.0], [0.2, 1.1]]), dim=1)
    query = torch.tensor([[1.0, 0.0]])
    labels = torch.tensor([1, 0, 0])

    assert nearest_labels(query, references, labels, num_neighbours=3).tolist() == [1]
    assert nearest_labels(query, references, labels, num_neighbours=1).tolist() == [1]
    assert nearest_labels(-query, references, labels, num_neighbours=3).tolist() == [0]


def test_more_neighbours_than_references_are_all_of_them() -> None:
    units = random_units(4, 3)

    found = nearest_labels(units, units, torch.tensor([0, 1, 2, 3]), num_neighbours=20)

    assert found.tolist() == [0, 1, 2, 3]


class PlanOfSimClr:
    """What the monitor reads of a plan."""

    task = "simclr"
    warmup_steps = 10

    class optimizer:  # noqa: N801 - stands for a field
        lr = 4.0


def epoch(spread: float, *, number: int = 2, split: str = "validation") -> EpochMetrics:
    """Return what a validation said; a hundred steps an epoch."""
    return EpochMetrics(
        epoch=number,
        split=split,  # type: ignore[arg-type]
        values={"loss": 5.0, "spread": spread},
        step=100 * number,
    )


def test_projections_that_are_all_the_same_have_collapsed() -> None:
    text = collapse_in(epoch(SMALLEST_SPREAD / 2), PlanOfSimClr())  # type: ignore[arg-type]

    assert "learning rate (now 4)" in text and "ignore_collapse" in text


@pytest.mark.parametrize(
    "event",
    [
        epoch(0.5),
        epoch(0.0, number=0),
        epoch(0.0, number=1),
        epoch(0.0, split="train"),
        EpochMetrics(epoch=2, split="validation", values={"loss": 5.0}, step=20),
    ],
)
def test_healthy_early_and_other_epochs_have_not(event: EpochMetrics) -> None:
    assert collapse_in(event, PlanOfSimClr()) == ""  # type: ignore[arg-type]


def test_a_warm_up_is_waited_for() -> None:
    class LongWarmUp(PlanOfSimClr):
        warmup_steps = 250

    assert collapse_in(epoch(0.0), LongWarmUp()) == ""  # type: ignore[arg-type]
    assert collapse_in(epoch(0.0, number=3), LongWarmUp())  # type: ignore[arg-type]


def test_running_statistics_of_few_steps_are_no_collapse() -> None:
    early = EpochMetrics(epoch=5, split="validation", values={"spread": 1e-5}, step=20)

    assert collapse_in(early, PlanOfSimClr()) == ""  # type: ignore[arg-type]
