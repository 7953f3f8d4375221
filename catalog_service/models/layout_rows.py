"""The table of published layouts, from the rows of the index: names and shapes, no numbers.

Imports torch. `index/layouts.py` reads it without.
"""

import json
import lzma
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from catalog_service.models.describe import describe
from catalog_service.models.layout import TensorInfo
from catalog_service.models.recipe import Recipe

Row = dict[str, Any]


def layout_rows(data: Mapping[str, Any], only: Collection[str] = ()) -> Iterator[Row]:
    """Yield a row for each structure of each architecture that can be built, the default first.

    Args:
        data: the index as plain data.
        only: architectures to look at; empty: all.
    """
    weights = {row["reference"]: row for row in data["weights"]}
    for architecture in data["architectures"]:
        wanted = not only or architecture["architecture_id"] in only
        if architecture["is_buildable"] and wanted:
            published = [weights[reference] for reference in architecture["weights"]]
            yield from (_row(architecture, weight) for weight in _structures(published))


def packed(rows: Iterable[Row]) -> bytes:
    """Return the rows as compressed JSON, a row a line."""
    lines = [json.dumps(row, separators=(",", ":")) for row in rows]
    return lzma.compress("\n".join(lines).encode(), preset=9 | lzma.PRESET_EXTREME)


def _structures(weights: Iterable[Row]) -> list[Row]:
    by_arguments: dict[str, Row] = {}
    for weight in weights:
        by_arguments.setdefault(json.dumps(weight["arguments"], sort_keys=True), weight)
    return list(by_arguments.values())


def _row(architecture: Row, weight: Row) -> Row:
    recipe = Recipe(builder=architecture["builder"], arguments=weight["arguments"])
    return {
        "builder": recipe.builder,
        "arguments": weight["arguments"],
        "family": weight["family"],
        "structure_of": weight["reference"],
        "tensors": [_tensor(tensor) for tensor in describe(recipe).tensors],
    }


def _tensor(tensor: TensorInfo) -> list[Any]:
    """Return `[name, shape]`, and where it is no parameter in single precision also its dtype and
    whether it is a buffer.
    """
    row: list[Any] = [tensor.name, list(tensor.shape)]
    is_usual = tensor.dtype == "F32" and not tensor.is_buffer
    return row if is_usual else [*row, tensor.dtype, int(tensor.is_buffer)]
