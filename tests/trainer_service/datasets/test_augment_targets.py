"""Masks, boxes and points move along with their image."""

import numpy as np
import pytest
import torch
from torch import Tensor

from trainer_service.datasets.augment import Variation, augmented
from trainer_service.datasets.batch import ObjectTargets, Targets
from trainer_service.jobs import AugmentationStep
from trainer_service.jobs.learning_spec import SHIFT, SIMCLR_STEPS

SIDE = 40
NOWHERE = 255
FLIP = AugmentationStep(kind="horizontal_flip", probability=1.0)
ROTATION = AugmentationStep(kind="rotation", max_degrees=180)
CROP = AugmentationStep(kind="random_resized_crop", scale=(0.3, 0.9))
GEOMETRY = {
    "flips": (FLIP, AugmentationStep(kind="vertical_flip", probability=0.5)),
    "shift": SHIFT,
    "crop": (CROP,),
    "rotation": (ROTATION,),
    "all": (*SHIFT, CROP, FLIP, ROTATION),
}


def scenes(count: int) -> tuple[Tensor, list[ObjectTargets], Tensor]:
    """Return black images with one white rectangle each, its objects, and its masks [B, H, W]."""
    random = np.random.default_rng(0)
    pixels = torch.zeros(count, SIDE, SIDE, 3, dtype=torch.uint8)
    masks = torch.zeros(count, SIDE, SIDE, dtype=torch.int64)
    objects = []
    for number in range(count):
        left, top = (int(edge) for edge in random.integers(8, 20, 2))
        right, bottom = left + int(random.integers(6, 12)), top + int(random.integers(6, 12))
        pixels[number, top:bottom, left:right] = 255
        masks[number, top:bottom, left:right] = 1
        objects.append(
            {
                "boxes": torch.tensor([[left, top, right, bottom]], dtype=torch.float32),
                "labels": torch.tensor([1 + number]),
                "masks": masks[number][None].to(torch.uint8),
                "keypoints": torch.tensor([[[left, top, 2.0], [right, bottom, 1.0]]]),
                "is_crowd": torch.tensor([False]),
            }
        )
    return pixels, objects, masks


def change(pixels: Tensor, targets: Targets, steps, **settings) -> tuple[Tensor, Targets]:  # type: ignore[no-untyped-def]
    """Augment images at positions 0, 1, 2, ..."""
    variation = Variation(steps=steps, **settings)
    changed, moved = augmented(pixels, targets, np.arange(len(pixels)), variation, epoch=1)
    assert isinstance(changed, Tensor)
    return changed, moved


@pytest.mark.parametrize("steps", GEOMETRY.values(), ids=GEOMETRY.keys())
def test_masks_lie_on_what_they_are_masks_of(steps) -> None:  # type: ignore[no-untyped-def]
    pixels, _, masks = scenes(30)

    changed, moved = change(pixels, masks, steps)

    assert isinstance(moved, Tensor)
    white, black = changed[..., 0] > 200, changed[..., 0] < 55
    # What is interpolated twice and what is copied twice may differ in a corner.
    assert float((moved[white] == 1).float().mean()) > 0.995
    assert float((moved[black] != 1).float().mean()) > 0.999


def test_masks_of_turned_corners_say_nothing() -> None:
    pixels, _, masks = scenes(30)

    changed, moved = change(pixels + 1, masks, (ROTATION,), outside=NOWHERE)

    assert isinstance(moved, Tensor)
    assert set(moved.unique().tolist()) == {0, 1, NOWHERE}
    assert bool((changed[..., 0][moved == NOWHERE] <= 1).all())


@pytest.mark.parametrize("steps", GEOMETRY.values(), ids=GEOMETRY.keys())
def test_object_masks_and_boxes_lie_on_their_objects(steps) -> None:  # type: ignore[no-untyped-def]
    pixels, objects, _ = scenes(30)

    changed, moved = change(pixels, objects, steps)

    assert isinstance(moved, list)
    num_seen = 0
    for image, target in zip(changed, moved, strict=True):
        for mask, box in zip(target["masks"], target["boxes"], strict=True):
            num_seen += 1
            # Edges that were interpolated twice are grey.
            assert float(image[..., 0][mask == 1].float().mean()) > 200
            rows, columns = torch.nonzero(mask, as_tuple=True)
            bounds = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            assert box.tolist() == pytest.approx([int(edge) for edge in bounds], abs=1.5)
    assert num_seen > 10


@pytest.mark.parametrize("steps", GEOMETRY.values(), ids=GEOMETRY.keys())
def test_boxes_without_masks_hold_their_objects(steps) -> None:  # type: ignore[no-untyped-def]
    """The upright box about a turned box is larger than the object, never smaller."""
    pixels, objects, _ = scenes(30)
    boxes_alone = [{"boxes": each["boxes"], "labels": each["labels"]} for each in objects]

    changed, moved = change(pixels, boxes_alone, steps)

    assert isinstance(moved, list)
    for image, target in zip(changed, moved, strict=True):
        rows, columns = torch.nonzero(image[..., 0] > 200, as_tuple=True)
        for left, top, right, bottom in target["boxes"].tolist():
            assert left - 1 <= int(columns.min()) and int(columns.max()) + 1 <= right + 1
            assert top - 1 <= int(rows.min()) and int(rows.max()) + 1 <= bottom + 1


@pytest.mark.parametrize("steps", GEOMETRY.values(), ids=GEOMETRY.keys())
def test_key_points_stay_on_their_corners(steps) -> None:  # type: ignore[no-untyped-def]
    """Each point is a corner of its rectangle: the image changes colour beside it."""
    pixels, objects, _ = scenes(30)

    changed, moved = change(pixels, objects, steps)

    assert isinstance(moved, list)
    num_seen = 0
    for image, target in zip(changed, moved, strict=True):
        for x, y, visibility in target["keypoints"].reshape(-1, 3).tolist():
            if not visibility:
                assert (x, y) == (0, 0)
                continue
            num_seen += 1
            row, column = round(y), round(x)
            around = image[max(row - 3, 0) : row + 3, max(column - 3, 0) : column + 3, 0]
            at_edge = min(x, y, SIDE - x, SIDE - y) < 3
            assert at_edge or (int(around.max()) > 150 and int(around.min()) < 100)
    assert num_seen > 20


def test_points_of_a_mirrored_image_change_names() -> None:
    """The left eye of a mirrored face is where the right one was drawn."""
    pixels, objects, _ = scenes(1)
    left, _top, right, _bottom = objects[0]["boxes"][0].tolist()

    _, kept = change(pixels, objects, (FLIP,))
    _, swapped = change(pixels, objects, (FLIP,), mirrored_points=(1, 0))

    assert isinstance(kept, list) and isinstance(swapped, list)
    assert kept[0]["keypoints"][0, :, 0].tolist() == [SIDE - left, SIDE - right]
    assert swapped[0]["keypoints"][0, :, 0].tolist() == [SIDE - right, SIDE - left]


def test_objects_that_are_no_longer_seen_are_left_out_with_all_that_is_said_of_them() -> None:
    pixels, objects, _ = scenes(200)

    _, moved = change(pixels, objects, (AugmentationStep(kind="random_resized_crop"),))

    assert isinstance(moved, list)
    lengths = {tuple(len(tensor) for tensor in target.values()) for target in moved}
    assert lengths == {(0,) * 5, (1,) * 5}


@pytest.mark.parametrize("targets", [torch.arange(6), torch.rand(6, 4), None])
def test_labels_and_numbers_stay(targets: Tensor | None) -> None:
    pixels, _, _ = scenes(6)

    _, moved = change(pixels, targets, (*SIMCLR_STEPS, ROTATION))

    assert moved is targets


def test_targets_of_images_of_their_own_sizes_move_alike() -> None:
    pixels, objects, masks = scenes(5)
    variation = Variation(steps=GEOMETRY["all"])
    arguments = (np.arange(5), variation)

    _, together = augmented(pixels, objects, *arguments, epoch=1)
    several, alone = augmented(list(pixels), objects, *arguments, epoch=1)
    _, masks_alone = augmented(list(pixels), masks, *arguments, epoch=1)

    assert isinstance(several, list) and isinstance(masks_alone, Tensor)
    assert isinstance(together, list) and isinstance(alone, list)
    for one, other in zip(together, alone, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)
    assert torch.equal(masks_alone, change(pixels, masks, GEOMETRY["all"])[1])  # type: ignore[arg-type]


def test_what_an_edge_reflects_is_no_part_of_an_object() -> None:
    """Near the left edge and shifted to the right, the object is seen again beyond its box."""
    pixels, objects, _ = scenes(30)
    for image, one in zip(pixels, objects, strict=True):
        image.zero_()[10:20, 1:9] = 255
        one["boxes"] = torch.tensor([[1.0, 10.0, 9.0, 20.0]])
        one["masks"] = (image[None, ..., 0] > 0).to(torch.uint8)

    _, moved = change(pixels, objects, SHIFT)

    assert isinstance(moved, list)
    for one in moved:
        left, top, right, bottom = (int(edge) for edge in one["boxes"][0])
        outside = one["masks"][0].clone()
        outside[top:bottom, left:right] = 0
        assert not outside.any()
