"""Orders and splits are functions of seeds and positions."""

from collections import Counter

import numpy as np
import pytest

from trainer_service.datasets.split import draws, nested_choice, shuffled, stratified_split


def test_an_order_has_every_image_once() -> None:
    assert sorted(shuffled(100, seed=3, epoch=1)) == list(range(100))


def test_an_order_depends_on_seed_and_epoch_alone() -> None:
    orders = {
        (seed, epoch): tuple(shuffled(50, seed=seed, epoch=epoch))
        for seed in range(3)
        for epoch in range(3)
    }

    assert len(set(orders.values())) == 9
    assert orders[1, 2] == tuple(shuffled(50, seed=1, epoch=2))


def test_draws_are_the_same_on_every_machine() -> None:
    """Numbers that were drawn once are drawn again after any refactor, or old jobs differ."""
    assert [int(number) % 1000 for number in draws([0, 1, 2], 7, 1)] == [933, 293, 226]


def test_draws_of_a_position_do_not_depend_on_its_company() -> None:
    alone = draws([5], 1, 2)
    together = draws([3, 5, 9], 1, 2)

    assert alone[0] == together[1]


def test_draws_are_spread_evenly() -> None:
    counts = np.bincount((draws(range(10_000), 0) % np.uint64(10)).astype(int))

    assert counts.min() > 900


def test_every_class_gives_its_share_and_keeps_one() -> None:
    labels = [0] * 10 + [1] * 3 + [2]

    train, validation = stratified_split(labels, ratio=0.3, seed=0)

    assert Counter(labels[position] for position in validation) == {0: 3, 1: 1}
    assert sorted([*train, *validation]) == list(range(14))


@pytest.mark.parametrize(("small", "large"), [(0.1, 0.2), (0.2, 0.5), (0.5, 0.8), (0.01, 1.0)])
def test_a_smaller_share_is_part_of_a_larger_one(small: float, large: float) -> None:
    """Otherwise a curve over shares of the data would compare different data."""
    labels = [number % 3 for number in range(90)] + [3]

    few = nested_choice(labels, ratio=small, seed=4).tolist()
    many = nested_choice(labels, ratio=large, seed=4).tolist()

    assert set(few) <= set(many)
    assert {labels[position] for position in few} == {0, 1, 2, 3}


def test_a_share_is_taken_of_every_class() -> None:
    labels = [0] * 80 + [1] * 20

    chosen = nested_choice(labels, ratio=0.25, seed=0)

    assert Counter(labels[position] for position in chosen) == {0: 20, 1: 5}


def test_a_choice_is_the_same_on_every_machine() -> None:
    assert nested_choice([0] * 12, ratio=0.25, seed=7).tolist() == [3, 4, 9]
    assert nested_choice([0] * 12, ratio=0.25, seed=8).tolist() != [3, 4, 9]
