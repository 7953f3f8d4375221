"""Orders and splits are functions of seeds and positions."""

from collections import Counter

import numpy as np

from trainer_service.datasets.split import draws, shuffled, stratified_split


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
