"""Names and shapes of everything that can be built, read without torch.

`models/build_index.py` wrote them: one line a structure in a compressed file of this package. What
cannot be read from a name (roles, stages) follows from the families' tables.
"""

import json
import lzma
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from catalog_service.models.anatomy import anatomy
from catalog_service.models.laid_out import laid_out
from catalog_service.models.layout import StateLayout, TensorInfo
from catalog_service.models.recipe import Recipe

FILE_NAME = "layouts.jsonl.xz"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedLayout:
    """The state of one published structure."""

    architecture_id: str
    family: str
    structure_of: str
    """The weight whose recipe it is: `torchvision/ViT_B_16_Weights.IMAGENET1K_V1`."""

    arguments: Mapping[str, Any]
    """Of its builder."""

    layout: StateLayout


@cache
def published_layouts() -> tuple[PublishedLayout, ...]:
    """Return the layouts of all structures, those of an architecture together, its default first.

    Read once a process: half a second and some 50 MB.
    """
    text = lzma.decompress(files(__package__).joinpath(FILE_NAME).read_bytes()).decode()
    return tuple(_published(json.loads(line)) for line in text.splitlines())


def _published(row: Mapping[str, Any]) -> PublishedLayout:
    recipe = Recipe(builder=row["builder"], arguments=row["arguments"])
    parts = anatomy(recipe)
    tensors = (
        TensorInfo(
            name=name,
            dtype=rest[0] if rest else "F32",
            shape=tuple(shape),
            role=parts.role_of(name),
            is_buffer=bool(rest and rest[1]),
        )
        for name, shape, *rest in row["tensors"]
    )
    return PublishedLayout(
        architecture_id=recipe.architecture_id,
        family=row["family"],
        structure_of=row["structure_of"],
        arguments=recipe.arguments,
        layout=laid_out(tensors, recipe),
    )
