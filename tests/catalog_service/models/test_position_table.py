"""Tables of positions for another image size, and the ViT that is not square."""

import math

import pytest
import torch
from torchvision.models.vision_transformer import interpolate_embeddings

from catalog_service.models.position_table import (
    is_position_table,
    resize_position_table,
    table_grid,
)
from catalog_service.models.recipe import Recipe, classification_head
from catalog_service.models.rectangular_vit import RectangularViT
from catalog_service.models.skeleton import build, skeleton


def smooth_table(side: int, width: int = 32) -> torch.Tensor:
    """Waves of several lengths, as trained tables have: [1, 1 + side * side, width]."""
    place = torch.linspace(0, 1, side)
    rates = torch.linspace(0.5, 4, width // 4) * math.pi
    waves = torch.cat([(place[:, None] * rates).sin(), (place[:, None] * rates).cos()], dim=1)
    grid = torch.cat([waves[:, None].expand(-1, side, -1), waves[None].expand(side, -1, -1)], dim=2)
    return torch.cat([torch.full((1, 1, width), 7.0), grid.reshape(1, side * side, width)], dim=1)


def recipe_of(size: int | list[int], head: dict[str, object] | None = None) -> Recipe:
    return Recipe(builder="torchvision/vit_b_16", arguments={"image_size": size}, head=head)


def at(table: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    return table[0, 1:].reshape(rows, columns, -1)


def test_a_larger_table_has_the_old_vectors_at_the_old_places() -> None:
    """224 -> 384 px: sampled where the old places lie, the new table is the old one, nearly."""
    old = smooth_table(14)

    new = resize_position_table(old, (1, 1 + 24 * 24, 32), recipe_of(384), (14, 14))

    rows = torch.linspace(-1, 1, 14)
    grid = torch.stack(torch.meshgrid(rows, rows, indexing="ij")[::-1], dim=-1)[None]
    sampled = torch.nn.functional.grid_sample(
        at(new, 24, 24).permute(2, 0, 1)[None], grid, mode="bicubic", align_corners=True
    )[0].permute(1, 2, 0)
    cosine = torch.cosine_similarity(sampled, at(old, 14, 14), dim=-1)
    assert cosine.min() > 0.99
    assert torch.equal(new[:, 0], old[:, 0])


def test_a_table_that_is_not_square_keeps_its_corners() -> None:
    """224x448 px: 14 rows, 28 columns."""
    old = smooth_table(14)

    new = resize_position_table(old, (1, 1 + 14 * 28, 32), recipe_of([224, 448]), (14, 14))

    ours, theirs = at(new, 14, 28), at(old, 14, 14)
    for ours_at, theirs_at in (((0, 0), (0, 0)), ((-1, 0), (-1, 0)), ((0, -1), (0, -1))):
        torch.testing.assert_close(ours[ours_at], theirs[theirs_at], rtol=0, atol=1e-5)
    torch.testing.assert_close(ours[:, 0], theirs[:, 0], rtol=0, atol=1e-5)


def test_square_tables_are_torchvisions() -> None:
    old = smooth_table(14)

    theirs = interpolate_embeddings(384, 16, {"encoder.pos_embedding": old})

    ours = resize_position_table(old, (1, 577, 32), recipe_of(384), (14, 14))
    torch.testing.assert_close(ours, theirs["encoder.pos_embedding"], rtol=0, atol=1e-6)


def test_a_table_of_a_rectangle_becomes_one_of_a_square_and_comes_back() -> None:
    """Corners stay where they are; read as a square's, 2 x 8 places would be 4 x 4."""
    old = torch.randn(1, 1 + 2 * 8, 32)

    square = resize_position_table(old, (1, 1 + 14 * 14, 32), recipe_of(224), (2, 8))
    back = resize_position_table(square, old.shape, recipe_of([32, 128]), (14, 14))

    for corner in ((0, 0), (-1, 0), (0, -1), (-1, -1)):
        expected = at(old, 2, 8)[corner]
        torch.testing.assert_close(at(square, 14, 14)[corner], expected, rtol=0, atol=1e-5)
        torch.testing.assert_close(at(back, 2, 8)[corner], expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("num_places", "image_px", "grid"),
    [
        (16, None, (4, 4)),
        (16, (32, 128), (2, 8)),
        (16, (128, 32), (8, 2)),
        (8, None, None),
        (16, (32, 96), None),
    ],
)
def test_the_grid_of_a_table_follows_its_images(
    num_places: int, image_px: tuple[int, int] | None, grid: tuple[int, int] | None
) -> None:
    assert table_grid(torch.empty(1, 1 + num_places, 4), image_px) == grid


def test_half_precision_stays_half() -> None:
    old = smooth_table(14).half()

    assert resize_position_table(old, (1, 577, 32), recipe_of(384), (14, 14)).dtype == torch.float16


@pytest.mark.parametrize(
    ("head", "name", "is_table"),
    [
        (None, "encoder.pos_embedding", True),
        (None, "class_token", False),
        ({"kind": "fcn"}, "backbone.encoder.pos_embedding", True),
        ({"kind": "fcn"}, "encoder.pos_embedding", False),
    ],
)
def test_the_table_is_told_by_its_name(
    head: dict[str, object] | None, name: str, is_table: bool
) -> None:
    assert is_position_table(recipe_of(224, head), name) is is_table


def test_a_resnet_has_no_table() -> None:
    assert not is_position_table(Recipe(builder="torchvision/resnet18"), "conv1.weight")


def test_a_rectangular_vit_runs_at_its_size_and_no_other() -> None:
    head = classification_head(3)
    recipe = Recipe(builder="torchvision/vit_b_32", arguments={"image_size": [32, 96]}, head=head)
    module = skeleton(recipe).eval()

    assert isinstance(module, RectangularViT)
    assert module(torch.empty(2, 3, 32, 96, device="meta")).shape == (2, 3)
    with pytest.raises(AssertionError, match=r"Expected \(32, 96\) but got \(96, 32\)"):
        module(torch.empty(2, 3, 96, 32, device="meta"))


def test_a_rectangular_vit_of_a_square_is_torchvisions() -> None:
    """The same numbers give the same logits."""
    torch.set_num_threads(1)
    square = build(Recipe(builder="torchvision/vit_b_32", arguments={"image_size": 64})).eval()
    rectangular = RectangularViT(square, 64, 64).eval()
    with torch.no_grad():
        square.get_parameter("heads.head.weight").normal_()
        rectangular.load_state_dict(square.state_dict())
        images = torch.randn(1, 3, 64, 64)

        assert torch.equal(rectangular(images), square(images))
