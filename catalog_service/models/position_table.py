"""Tables of positions for another image size. Imports torch.

Positions that the smaller of two grids shares with the larger one keep their vectors almost as they
were, so a model sees the same places.
"""

from collections.abc import Sequence
from math import isqrt

from torch import Tensor, cat
from torch.nn.functional import interpolate

from catalog_service.models.families.table import family_of
from catalog_service.models.placements import PLACEMENTS
from catalog_service.models.recipe import Recipe


def is_position_table(recipe: Recipe, model_name: str) -> bool:
    """Return whether a tensor of a recipe's model is a table that an image size resizes."""
    table = family_of(recipe.architecture_id).position_table
    kind = recipe.head["kind"] if recipe.head is not None else ""
    prefix = PLACEMENTS[kind].backbone_prefix if kind in PLACEMENTS else ""
    return bool(table) and model_name == f"{prefix}{table}"


def table_image_px(recipe: Recipe) -> tuple[int, int]:
    """Return height and width of the images that a recipe's table is for."""
    size = recipe.arguments[family_of(recipe.architecture_id).size.argument]
    return (size, size) if isinstance(size, int) else (size[0], size[1])


def table_grid(table: Tensor, image_px: tuple[int, int] | None) -> tuple[int, int] | None:
    """Return rows and columns of a table [1, 1 + N, D]; None where N has no such grid.

    Args:
        image_px: height and width of the images that it is for; None: those of a square.
    """
    if table.ndim != 3:
        return None
    height, width = image_px or (1, 1)
    num_places = table.shape[1] - 1
    rows = isqrt(num_places * height // width)
    is_grid = rows > 0 and num_places % rows == 0 and rows * width == num_places // rows * height
    return (rows, num_places // rows) if is_grid else None


def resize_position_table(
    table: Tensor, layout_shape: Sequence[int], recipe: Recipe, grid: tuple[int, int]
) -> Tensor:
    """Return a table for the recipe's image size.

    Args:
        table: [1, 1 + N, D], the class token first, then a grid row by row.
        layout_shape: [1, 1 + M, D] of the result.
        grid: rows and columns of the table, N in all.

    Returns:
        [1, 1 + M, D] in the table's dtype; the class token's vector is the same.

    Source: torchvision.models.vision_transformer.interpolate_embeddings: bicubic, corners aligned;
    here from and to any number of rows and columns.
    """
    assert grid[0] * grid[1] == table.shape[1] - 1, (grid, table.shape)
    rows, columns = _wanted_grid(recipe, layout_shape[1] - 1)
    token, places = table[:, :1], table[:, 1:]
    places = places.transpose(1, 2).reshape(1, -1, *grid).float()  # [1, D, *grid]
    places = interpolate(places, size=(rows, columns), mode="bicubic", align_corners=True)
    resized = places.flatten(2).transpose(1, 2).to(table.dtype)  # [1, M, D]
    return cat([token, resized], dim=1)


def _wanted_grid(recipe: Recipe, num_places: int) -> tuple[int, int]:
    """Return rows and columns: the image is `rows / columns` times as high as wide."""
    height, width = table_image_px(recipe)
    rows = isqrt(num_places * height // width)
    assert rows * (num_places // rows) == num_places, (num_places, height, width)
    return rows, num_places // rows
