"""The rows of the index: a published weight, an architecture. Imports torch and torchvision."""

import re
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

import torchvision
from torchvision.models import WeightsEnum, get_model_builder, get_model_weights

from catalog_service.models.contracts import InputContract
from catalog_service.models.families.table import families, family_of
from catalog_service.models.plain_json import to_plain
from catalog_service.models.published import licence, metrics, plain_transform, size_bytes
from catalog_service.models.published_arguments import published_arguments
from catalog_service.models.published_contracts import input_contract
from catalog_service.models.recipe import Recipe
from catalog_service.models.structure_columns import Row, evaluated_px, structure_columns

LIBRARIES = {
    "torchvision": f"torchvision {torchvision.__version__.partition('+')[0]}",
    "transformers": f"transformers {version('transformers')}",
}
"""Source of builders -> the release that is installed, without the build's local version."""

NOT_BUILDABLE = {
    "num_features": 0,
    "backbone_architecture": "",
    "feature_maps": [],
    "activation_bytes": 0,
}

TASKS = {
    "faster_rcnn": "detection",
    "fcos": "detection",
    "retinanet": "detection",
    "ssd": "detection",
    "ssdlite": "detection",
    "mask_rcnn": "instance_segmentation",
    "keypoint_rcnn": "keypoints",
}
"""Detection modules -> task; the other tasks are torchvision's sub-packages."""

PACKAGE_TASKS = {
    "segmentation": "segmentation",
    "video": "video",
    "optical_flow": "optical_flow",
    "quantization": "classification",
}


def weight_rows(name: str) -> list[Row]:
    """Return a row for each of torchvision's weights of an architecture."""
    enum = get_model_weights(name)
    return [_weight_row(name, member, member is enum.DEFAULT) for member in enum]


def _weight_row(name: str, member: WeightsEnum, is_default: bool) -> Row:
    meta, file_name = member.meta, member.url.rpartition("/")[2]
    float_name = float_twin(name) or name
    arguments = published_arguments(float_name, str(member))
    recipe = Recipe(builder=f"torchvision/{float_name}", arguments=arguments)
    height, width = meta.get("min_size", (0, 0))
    return {
        "reference": f"torchvision/{member}",
        "architecture_id": name,
        "family": family_of(float_name).name,
        "task": task_of(name),
        "is_default": is_default,
        "is_quantized": bool(float_twin(name)),
        "is_gated": False,
        "url": member.url,
        "file_name": file_name,
        "sha256_prefix": _sha256_prefix(file_name),
        "size_bytes": size_bytes(member),
        "num_parameters": meta["num_params"],
        "gflops": meta["_ops"],
        "categories": list(meta.get("categories") or ()),
        "metrics": metrics(member),
        "recipe_url": meta.get("recipe", ""),
        "licence": licence(member),
        "description": " ".join(meta.get("_docs", "").split()),
        "min_image_height_px": height,
        "min_image_width_px": width,
        "preprocessing": contract_row(input_contract(member, recipe)),
        "transform": plain_transform(member),
        "arguments": arguments,
    }


def contract_row(contract: InputContract) -> Row:
    """Return what differs from the defaults of `InputContract`; sizes are the family's business."""
    unset = to_plain(InputContract(height_px=0, width_px=0, mean=(), std=()))
    return {name: value for name, value in to_plain(contract).items() if value != unset[name]}


def architecture_row(name: str, weights: Iterable[Row], *, source: str = "torchvision") -> Row:
    """Return an architecture's row, from those of its weights and from its structure."""
    ordered = sorted(weights, key=_goodness, reverse=True)
    default = ordered[0]
    assert default["is_default"], name
    recipe = Recipe(builder=f"{source}/{name}", arguments=default["arguments"])
    contract = InputContract.from_json(default["preprocessing"])
    is_buildable = name in families()
    return {
        "architecture_id": name,
        "builder": recipe.builder,
        "family": default["family"],
        "task": default["task"],
        "num_parameters": default["num_parameters"],
        "gflops": default["gflops"],
        "weights": [row["reference"] for row in ordered],
        "default_weights": default["reference"],
        "min_image_px": min(
            min(row["min_image_height_px"], row["min_image_width_px"]) for row in ordered
        ),
        "default_image_px": min(evaluated_px(contract)),
        "is_buildable": is_buildable,
        "is_quantized": default["is_quantized"],
        "float_twin": float_twin(name),
        "library": LIBRARIES[source],
        "licences": sorted({row["licence"] for row in ordered}),
        **(structure_columns(recipe, contract) if is_buildable else NOT_BUILDABLE),
    }


def task_of(name: str) -> str:
    """Return what one of torchvision's architectures is for."""
    package, module = get_model_builder(name).__module__.split(".")[-2:]
    return TASKS.get(module) or PACKAGE_TASKS.get(package, "classification")


def float_twin(name: str) -> str:
    """Return the float architecture of a quantized one, or nothing."""
    prefix = "quantized_"
    return name.removeprefix(prefix) if name.startswith(prefix) else ""


def _goodness(row: Mapping[str, Any]) -> tuple[bool, float]:
    value = row["metrics"][0]["value"] if row["metrics"] else 0.0
    return row["is_default"], -value if row["task"] == "optical_flow" else value


def _sha256_prefix(file_name: str) -> str:
    """Return the hex digits that torch.hub compares. Source: HASH_REGEX in torch/hub.py."""
    found = re.search(r"-([a-f0-9]{8,})\.", file_name)
    return found.group(1) if found else ""
