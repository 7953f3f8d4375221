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


def is_square_table(table: Tensor) -> bool:
    """Return whether a table [1, 1 + N, D] is for a square grid: all that `resize` can read."""
    return table.ndim == 3 and isqrt(table.shape[1] - 1) ** 2 == table.shape[1] - 1


def resize_position_table(table: Tensor, layout_shape: Sequence[int], recipe: Recipe) -> Tensor:
    """Return a table for the recipe's image size.

    Args:
        table: [1, 1 + N, D], the class token first, then a square grid row by row.
        layout_shape: [1, 1 + M, D] of the result.

    Returns:
        [1, 1 + M, D] in the table's dtype; the class token's vector is the same.

    Source: torchvision.models.vision_transformer.interpolate_embeddings: bicubic, corners aligned;
    here to any number of rows and columns.
    """
    side = isqrt(table.shape[1] - 1)
    assert side * side == table.shape[1] - 1, table.shape
    rows, columns = _grid(recipe, layout_shape[1] - 1)
    token, places = table[:, :1], table[:, 1:]
    grid = places.transpose(1, 2).reshape(1, -1, side, side).float()  # [1, D, side, side]
    grid = interpolate(grid, size=(rows, columns), mode="bicubic", align_corners=True)
    resized = grid.flatten(2).transpose(1, 2).to(table.dtype)  # [1, M, D]
    return cat([token, resized], dim=1)


def _grid(recipe: Recipe, num_places: int) -> tuple[int, int]:
    """Return rows and columns: the image is `rows / columns` times as high as wide."""
    size = recipe.arguments[family_of(recipe.architecture_id).size.argument]
    height, width = (size, size) if isinstance(size, int) else size
    rows = isqrt(num_places * height // width)
    assert rows * (num_places // rows) == num_places, (num_places, size)
    return rows, num_places // rows
