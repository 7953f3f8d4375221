"""What happens to an image depends on seed, epoch, view, step and position alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as reference

from trainer_service.datasets.augment import Variation, augmented, mirrored_points
from trainer_service.datasets.augment_chance import Chance
from trainer_service.datasets.augment_colour import (
    BRIGHTNESS,
    CONTRAST,
    HUE,
    SATURATION,
    SIGMA,
)
from trainer_service.datasets.augment_geometry import WARPS
from trainer_service.jobs import AugmentationStep
from trainer_service.jobs.learning_spec import SHIFT, SHIFT_AND_FLIP, SIMCLR_STEPS

SIDE = 16
ROTATION = AugmentationStep(kind="rotation", max_degrees=30)
CROP = AugmentationStep(kind="random_resized_crop", scale=(0.2, 1.0))
FLIP = AugmentationStep(kind="horizontal_flip", probability=1.0)
EVERY_KIND = {
    "shift_and_flip": SHIFT_AND_FLIP,
    "simclr": SIMCLR_STEPS,
    "rotation": (ROTATION,),
    "vertical_flip": (AugmentationStep(kind="vertical_flip", probability=0.5),),
}


def images(count: int, side: int = SIDE) -> Tensor:
    """Return images in which every pixel has its own value."""
    random = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, side, side, 3), dtype=torch.uint8, generator=random)


def change(
    batch: Tensor,
    positions: list[int] | range,
    steps: tuple[AugmentationStep, ...] = SHIFT_AND_FLIP,
    *,
    seed: int = 0,
    epoch: int = 1,
    view: int = 0,
) -> Tensor:
    """Augment without targets."""
    variation = Variation(steps=steps, seed=seed)
    pixels, _ = augmented(batch, None, np.array(positions), variation, epoch=epoch, view=view)
    assert isinstance(pixels, Tensor)
    return pixels


def ramp(count: int) -> Tensor:
    """Return images whose pixels say in which row they are."""
    rows = torch.arange(SIDE, dtype=torch.uint8)[None, :, None, None]
    return rows.expand(count, SIDE, SIDE, 3)


def test_no_step_changes_nothing() -> None:
    batch = images(3)

    assert torch.equal(change(batch, [0, 1, 2], ()), batch)


@pytest.mark.parametrize("steps", EVERY_KIND.values(), ids=EVERY_KIND.keys())
def test_an_image_changes_the_same_way_in_any_company(steps: tuple[AugmentationStep, ...]) -> None:
    batch = images(40)

    together = change(batch, range(10, 50), steps)
    alone = torch.cat([change(batch[[place]], [10 + place], steps) for place in range(40)])

    assert torch.equal(together, alone)
    assert not torch.equal(together, batch)


@pytest.mark.parametrize("other", [{"seed": 1}, {"epoch": 2}, {"view": 1}])
@pytest.mark.parametrize("steps", EVERY_KIND.values(), ids=EVERY_KIND.keys())
def test_seed_epoch_and_view_change_what_happens(
    other: dict[str, int], steps: tuple[AugmentationStep, ...]
) -> None:
    batch = images(8)

    first, second = change(batch, range(8), steps), change(batch, range(8), steps, **other)

    assert not torch.equal(first, second)


def test_a_step_draws_for_itself_when_it_comes_twice() -> None:
    """Otherwise two shifts would be one of even width."""
    twice = change(ramp(400), range(400), SHIFT * 2)[:, SIDE // 2, 0, 0].int() - SIDE // 2

    assert set(twice.tolist()) == set(range(-4, 5))


def test_the_given_images_stay_as_they_are() -> None:
    batch = images(8)
    kept = batch.clone()

    change(batch, range(8), (*SIMCLR_STEPS, ROTATION))

    assert torch.equal(batch, kept)


def test_shifts_reach_an_eighth_of_the_side_and_no_further() -> None:
    shifts = change(ramp(400), range(400), SHIFT)[:, SIDE // 2, 0, 0].int() - SIDE // 2

    assert set(shifts.tolist()) == {-2, -1, 0, 1, 2}


def test_edges_are_reflected() -> None:
    moved = change(ramp(64), range(64), SHIFT)

    upward = moved[moved[:, SIDE // 2, 0, 0] == SIDE // 2 - 2][0, :4, 0, 0]
    assert upward.tolist() == [2, 1, 0, 1]


@pytest.mark.parametrize(("kind", "axis"), [("horizontal_flip", 2), ("vertical_flip", 1)])
def test_this_share_of_the_images_is_mirrored_and_nothing_else_happens(
    kind: str, axis: int
) -> None:
    batch = images(400, side=5)

    moved = change(batch, range(400), (AugmentationStep(kind=kind, probability=0.3),))  # type: ignore[arg-type]

    is_mirrored = (moved == batch.flip(axis)).flatten(1).all(1)
    is_same = (moved == batch).flatten(1).all(1)
    assert bool((is_mirrored ^ is_same).all())
    assert float(is_mirrored.float().mean()) == pytest.approx(0.3, abs=0.08)


def test_crops_are_parts_of_the_image_resized_to_the_whole() -> None:
    """Inside a crop the numbers are those of torch's own resize of that part."""
    batch = images(30, side=32)
    chance = Chance(positions=np.arange(30), keys=(0, 1, 0, 0))
    matrix = WARPS["random_resized_crop"](CROP, chance, 32, 32).matrix

    moved = change(batch, range(30), (CROP,))

    for number in range(30):
        left, top = int(matrix[number, 0, 2]), int(matrix[number, 1, 2])
        width, height = (round(32 * matrix[number, axis, axis]) for axis in (0, 1))
        part = batch[number, top : top + height, left : left + width].permute(2, 0, 1)
        expected = reference.resize(part, [32, 32], antialias=False).permute(1, 2, 0)
        inner = slice(4, -4)  # at its edges ours sees the pixels beyond the crop
        difference = moved[number, inner, inner].int() - expected[inner, inner].int()
        assert int(difference.abs().max()) <= 1


def test_crops_have_the_areas_and_ratios_that_were_asked_for() -> None:
    chance = Chance(positions=np.arange(3000), keys=(0, 1, 0, 0))

    matrix = WARPS["random_resized_crop"](CROP, chance, 64, 48).matrix

    widths, heights = 48 * matrix[:, 0, 0], 64 * matrix[:, 1, 1]
    shares, ratios = widths * heights / (64 * 48), widths / heights
    assert 0.18 < shares.min() < 0.25 and 0.9 < shares.max() <= 1.0
    assert 0.70 < ratios.min() < 0.78 and 1.28 < ratios.max() < 1.40
    assert (matrix[:, :, 2] >= 0).all()
    assert (matrix[:, 0, 2] + widths <= 48).all() and (matrix[:, 1, 2] + heights <= 64).all()


def test_a_crop_that_cannot_fit_is_the_largest_part_of_an_allowed_ratio() -> None:
    chance = Chance(positions=np.arange(4), keys=(0, 1, 0, 0))

    matrix = WARPS["random_resized_crop"](replace(CROP, scale=(1.0, 1.0)), chance, 100, 10).matrix

    assert (10 * matrix[:, 0, 0] == 10).all()
    assert (100 * matrix[:, 1, 1] == round(10 / 0.75)).all()


def test_turned_images_are_those_of_torchvision() -> None:
    batch = images(10, side=33)
    chance = Chance(positions=np.arange(10), keys=(0, 1, 0, 0))
    degrees = chance.between(3, -30, 30)

    moved = change(batch, range(10), (ROTATION,))

    for number in range(10):
        expected = reference.rotate(
            batch[number].permute(2, 0, 1),
            float(degrees[number]),
            interpolation=reference.InterpolationMode.BILINEAR,
        ).permute(1, 2, 0)
        difference = (moved[number].int() - expected.int()).abs()
        assert float(difference[8:-8, 8:-8].float().mean()) < 1.0  # rounded positions
        assert (moved[number, 0, 0] == 0).all() or abs(degrees[number]) < 3


@pytest.mark.parametrize(
    ("field", "stream", "adjust"),
    [
        ("brightness", BRIGHTNESS, reference.adjust_brightness),
        ("contrast", CONTRAST, reference.adjust_contrast),
        ("saturation", SATURATION, reference.adjust_saturation),
        ("hue", HUE, reference.adjust_hue),
    ],
)
def test_colours_vary_as_torchvision_varies_them(field, stream, adjust) -> None:  # type: ignore[no-untyped-def]
    batch = images(20)
    step = replace(AugmentationStep(kind="color_jitter"), **{field: 0.4})
    chance = Chance(positions=np.arange(20), keys=(0, 1, 0, 0))
    centre = 0.0 if field == "hue" else 1.0
    drawn = chance.between(stream, centre - 0.4, centre + 0.4)

    moved = change(batch, range(20), (step,))

    for number in range(20):
        expected = adjust(batch[number].permute(2, 0, 1), float(drawn[number])).permute(1, 2, 0)
        difference = (moved[number].int() - expected.int()).abs()
        assert int(difference.max()) <= (3 if field == "hue" else 1)  # torchvision rounds halfway


def test_greys_are_those_of_torchvision() -> None:
    batch = images(5)

    moved = change(batch, range(5), (AugmentationStep(kind="grayscale", probability=1.0),))

    expected = reference.rgb_to_grayscale(batch.permute(0, 3, 1, 2), 3).permute(0, 2, 3, 1)
    assert int((moved.int() - expected.int()).abs().max()) <= 1


def test_blurs_are_those_of_torchvision() -> None:
    batch = images(10)
    step = AugmentationStep(kind="gaussian_blur", sigma_px=(0.5, 2.0))
    drawn = Chance(positions=np.arange(10), keys=(0, 1, 0, 0)).between(SIGMA, 0.5, 2.0)

    moved = change(batch, range(10), (step,))

    for number in range(10):
        expected = reference.gaussian_blur(
            batch[number].permute(2, 0, 1), [13, 13], [float(drawn[number])] * 2
        ).permute(1, 2, 0)
        assert int((moved[number].int() - expected.int()).abs().max()) <= 1


@pytest.mark.parametrize("kind", ["color_jitter", "grayscale", "gaussian_blur"])
def test_images_that_are_not_drawn_keep_their_colours(kind: str) -> None:
    batch = images(200)
    step = AugmentationStep(kind=kind, probability=0.25, brightness=0.8, saturation=0.8)  # type: ignore[arg-type]

    moved = change(batch, range(200), (step,))

    share = (moved != batch).flatten(1).any(1).float().mean()
    assert float(share) == pytest.approx(0.25, abs=0.1)


@pytest.mark.parametrize("steps", EVERY_KIND.values(), ids=EVERY_KIND.keys())
def test_an_image_of_one_pixel_survives(steps: tuple[AugmentationStep, ...]) -> None:
    assert change(images(4, side=1), range(4), steps).shape == (4, 1, 1, 3)


@pytest.mark.parametrize("steps", EVERY_KIND.values(), ids=EVERY_KIND.keys())
def test_images_of_their_own_sizes_change_one_by_one(steps: tuple[AugmentationStep, ...]) -> None:
    several = [images(1, side=20)[0], images(1, side=11)[0, :, :7]]

    pixels, targets = augmented(
        several, None, np.array([3, 4]), Variation(steps=steps), epoch=1, view=0
    )

    assert [image.shape for image in pixels] == [(20, 20, 3), (11, 7, 3)]
    assert torch.equal(pixels[0], change(several[0][None], [3], steps)[0])
    assert targets is None


def test_left_and_right_points_change_places() -> None:
    names = ("nose", "left_eye", "right_eye", "tail")

    assert mirrored_points(names) == (0, 2, 1, 3)
    assert mirrored_points(("left_only",)) == (0,)
