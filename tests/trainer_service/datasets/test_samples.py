"""The index of a data set: paths in a block, what is true in arrays."""

import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from trainer_service.datasets.samples import path_table
from trainer_service.datasets.truths import Numbers, rarest


def test_paths_come_back_as_they_were() -> None:
    paths = [Path("/a/b.png"), Path("/é/ü x.png"), Path(os.fsdecode(b"/caf\xe9.png")), Path("/")]

    table = path_table(paths)

    assert [table.path(position) for position in range(len(table))] == paths


def test_an_index_takes_a_tenth_of_what_objects_take() -> None:
    """A million images must not cost a gigabyte before the first one is opened."""

    def paths() -> list[Path]:
        return [Path(f"/data/images/train/class_{n % 10}/{n:08}.jpeg") for n in range(20_000)]

    tracemalloc.start()
    objects = paths()
    as_objects = tracemalloc.get_traced_memory()[0]
    del objects
    tracemalloc.stop()

    table = path_table(paths())

    assert (len(table.block) + table.ends.nbytes) * 3 < as_objects


def test_the_rarest_class_of_an_image_is_its_stratum() -> None:
    """Splitting by the first class would leave rare ones to chance."""
    presence = np.array([[1, 1, 0], [1, 0, 0], [1, 0, 1], [1, 1, 0], [0, 0, 0]], dtype=bool)

    assert rarest(presence).tolist() == [1, 0, 2, 1, 3]


def test_low_and_high_numbers_are_in_different_strata() -> None:
    values = np.arange(100, dtype=np.float32)[::-1, None].copy()

    strata = Numbers(values=values).strata()

    assert strata[0] == 9
    assert strata[-1] == 0
    assert np.bincount(strata).tolist() == [10] * 10


@pytest.mark.parametrize("count", [1, 3, 15])
def test_few_numbers_are_one_stratum(count: int) -> None:
    assert set(Numbers(values=np.zeros((count, 1), dtype=np.float32)).strata()) == {0}
