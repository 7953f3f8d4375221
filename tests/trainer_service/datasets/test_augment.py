"""What happens to an image depends on seed, epoch and position alone."""

import numpy as np
import pytest
import torch
from torch import Tensor

from trainer_service.datasets.augment import augmented
from trainer_service.jobs.learning_spec import SHIFT, SHIFT_AND_FLIP

SIDE = 16
STEPS = {"none": (), "shift": SHIFT, "shift_and_flip": SHIFT_AND_FLIP}


def images(count: int) -> Tensor:
    """Return images in which every pixel has its own value."""
    random = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, SIDE, SIDE, 3), dtype=torch.uint8, generator=random)


def change(
    batch: Tensor,
    positions: list[int],
    *,
    kind: str = "shift_and_flip",
    seed: int = 0,
    epoch: int = 1,
) -> Tensor:
    """Augment with defaults."""
    return augmented(batch, np.array(positions), steps=STEPS[kind], seed=seed, epoch=epoch)


def test_none_changes_nothing() -> None:
    batch = images(3)

    assert torch.equal(change(batch, [0, 1, 2], kind="none"), batch)


def test_an_image_changes_the_same_way_in_any_company() -> None:
    batch = images(6)

    together = change(batch, [10, 11, 12, 13, 14, 15])
    alone = change(batch[[4]], [14])

    assert torch.equal(together[4], alone[0])


@pytest.mark.parametrize("other", [{"seed": 1}, {"epoch": 2}])
def test_seed_and_epoch_change_what_happens(other: dict[str, int]) -> None:
    batch = images(8)

    assert not torch.equal(change(batch, list(range(8))), change(batch, list(range(8)), **other))  # type: ignore[arg-type]


def test_shifts_reach_an_eighth_of_the_side_and_no_further() -> None:
    """A ramp shows by how much it was moved."""
    ramp = torch.arange(SIDE, dtype=torch.uint8)[None, :, None, None].expand(400, SIDE, SIDE, 3)

    moved = change(ramp, list(range(400)), kind="shift")

    shifts = moved[:, SIDE // 2, 0, 0].int() - SIDE // 2
    assert set(shifts.tolist()) == {-2, -1, 0, 1, 2}


def test_edges_are_reflected() -> None:
    ramp = torch.arange(SIDE, dtype=torch.uint8)[None, :, None, None].expand(64, SIDE, SIDE, 3)

    moved = change(ramp, list(range(64)), kind="shift")

    upward = moved[moved[:, SIDE // 2, 0, 0] == SIDE // 2 - 2][0, :4, 0, 0]
    assert upward.tolist() == [2, 1, 0, 1]


@pytest.mark.parametrize(("kind", "share"), [("shift", 0.0), ("shift_and_flip", 0.5)])
def test_half_of_the_images_are_mirrored_where_asked_for(kind: str, share: float) -> None:
    ramp = torch.arange(SIDE, dtype=torch.uint8)[None, None, :, None].expand(400, SIDE, SIDE, 3)

    moved = change(ramp, list(range(400)), kind=kind).int()

    is_mirrored = moved[:, 0, SIDE // 2 + 1, 0] < moved[:, 0, SIDE // 2, 0]
    assert float(is_mirrored.float().mean()) == pytest.approx(share, abs=0.1)
