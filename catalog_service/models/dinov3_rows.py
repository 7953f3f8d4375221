"""The rows of the DINOv3 weights in the index. Imports torch."""

import torch

from catalog_service.models.contracts import InputContract
from catalog_service.models.description.drivers import driver_of
from catalog_service.models.description.trace import trace
from catalog_service.models.families.table import family_of
from catalog_service.models.index_rows import contract_row
from catalog_service.models.published_dinov3 import (
    CONFIGURATIONS,
    IMAGE_PX,
    LICENCE,
    PUBLICATIONS,
    Publication,
)
from catalog_service.models.recipe import Recipe
from catalog_service.models.skeleton import skeleton
from catalog_service.models.structure_columns import Row

BYTES_PER_PARAMETER = 4
"""The files hold single precision; how long they are, the hub tells those who may have them."""

GIGA = 10**9


def dinov3_weight_rows() -> list[Row]:
    """Return a row for each published weight, the default of an architecture first."""
    structures = {name: _structure(name) for name in CONFIGURATIONS}
    return [_row(publication, structures) for publication in PUBLICATIONS]


def _structure(name: str) -> tuple[int, float]:
    """Return how many parameters an architecture has, and its multiply-adds in 10^9."""
    recipe = Recipe(builder=f"transformers/{name}", arguments=CONFIGURATIONS[name])
    model = skeleton(recipe).eval()
    image = torch.empty((1, 3, IMAGE_PX, IMAGE_PX), device="meta")
    seen = trace(model, driver_of(model), image)
    count = sum(parameter.numel() for parameter in model.parameters())
    return count, round(seen.num_multiply_adds / GIGA, 3)


def _row(publication: Publication, structures: dict[str, tuple[int, float]]) -> Row:
    name = publication.architecture_id
    num_parameters, gflops = structures[name]
    family = family_of(name)
    contract = InputContract(
        height_px=IMAGE_PX, width_px=IMAGE_PX, mean=publication.mean, std=publication.std
    )
    first = next(each for each in PUBLICATIONS if each.architecture_id == name)
    return {
        "reference": f"huggingface/{publication.hub_id}",
        "architecture_id": name,
        "family": family.name,
        "task": family.task,
        "is_default": publication == first,
        "is_quantized": False,
        "is_gated": True,
        "url": publication.url,
        "file_name": publication.file_name,
        "sha256_prefix": "",
        "size_bytes": BYTES_PER_PARAMETER * num_parameters,
        "num_parameters": num_parameters,
        "gflops": gflops,
        "categories": [],
        "metrics": [],
        "recipe_url": publication.page,
        "licence": LICENCE,
        "description": (
            f"Self-supervised on {publication.dataset}. The hub serves it to those who have "
            "accepted the DINOv3 licence, which also holds for what is trained from it."
        ),
        "min_image_height_px": family.size.minimum_px,
        "min_image_width_px": family.size.minimum_px,
        "preprocessing": contract_row(contract),
        "transform": {"kind": "DINOv3ViTImageProcessor", "size": [IMAGE_PX, IMAGE_PX]},
        "arguments": dict(CONFIGURATIONS[name]),
    }
