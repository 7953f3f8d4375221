"""Writes the index from the installed torchvision: `python -m catalog_service.models.build_index`.

With `--check` it writes nothing and fails where the committed index differs. Imports torch.
"""

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torchvision
from torch import nn
from torchvision.models import WeightsEnum, get_model_builder, get_model_weights, list_models

from catalog_service.models.families.table import families, family_of
from catalog_service.models.layout import is_inside
from catalog_service.models.plain_json import to_plain
from catalog_service.models.published import (
    input_contract,
    licence,
    metrics,
    plain_transform,
    size_bytes,
)
from catalog_service.models.recipe import Recipe
from catalog_service.models.skeleton import skeleton

INDEX_PATH = Path(__file__).parent.parent / "index" / "index.json"

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

NUM_SHOWN = 20
"""How many differences `--check` shows."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the index; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    if not parser.parse_args(arguments).check:
        INDEX_PATH.write_text(dump(index_data()), encoding="utf-8")
        return 0
    found = differences(json.loads(INDEX_PATH.read_text(encoding="utf-8")), index_data())
    sys.stdout.writelines(f"{line}\n" for line in found[:NUM_SHOWN])
    sys.stdout.write(f"{len(found)} differences from {library()}\n")
    return 1 if found else 0


def library() -> str:
    """Return `torchvision 0.29.2`, without the build's local version."""
    return f"torchvision {torchvision.__version__.partition('+')[0]}"


def dump(data: Mapping[str, Any]) -> str:
    """Return the index as JSON with one row a line, so that changes show line by line."""
    lists = ",\n".join(f'"{k}": {_line(v)}' for k, v in sorted(data["category_lists"].items()))
    architectures = ",\n".join(map(_line, data["architectures"]))
    weights = ",\n".join(map(_line, data["weights"]))
    return (
        f'{{"library": {_line(data["library"])},\n"category_lists": {{\n{lists}\n}},\n'
        f'"architectures": [\n{architectures}\n],\n"weights": [\n{weights}\n]}}\n'
    )


def differences(committed: Mapping[str, Any], live: Mapping[str, Any]) -> list[str]:
    """Return a line for each row and field that differs; the library's release is not compared."""
    live = json.loads(json.dumps(live))
    found = []
    for table, key in (("architectures", "architecture_id"), ("weights", "reference")):
        old, new = ({row[key]: row for row in side[table]} for side in (committed, live))
        found += [f"{table}: {name} is only committed" for name in sorted(old.keys() - new.keys())]
        found += [f"{table}: {name} is only live" for name in sorted(new.keys() - old.keys())]
        for name in sorted(old.keys() & new.keys()):
            found += [
                f"{table}: {name}.{field}: committed {old[name].get(field)!r}, live {value!r}"
                for field, value in new[name].items()
                if field != "library" and old[name].get(field) != value
            ]
    if committed["category_lists"] != live["category_lists"]:
        found.append("category_lists differ")
    return found


def index_data() -> dict[str, Any]:
    """Return the whole index as plain data, from the installed torchvision."""
    weights = [row for name in list_models() for row in _weight_rows(name, get_model_weights(name))]
    category_lists: dict[str, list[str]] = {}
    for row in weights:
        key = hashlib.sha256(_line(row["categories"]).encode()).hexdigest()[:12]
        category_lists[key] = row["categories"]
        row["categories"] = key
    architectures = [
        _architecture_row(name, [row for row in weights if row["architecture_id"] == name])
        for name in sorted(list_models())
    ]
    return {
        "library": library(),
        "category_lists": category_lists,
        "architectures": architectures,
        "weights": sorted(weights, key=lambda row: str(row["reference"])),
    }


def _weight_rows(name: str, members: Iterable[WeightsEnum]) -> list[dict[str, Any]]:
    enum = get_model_weights(name)
    return [_weight_row(name, member, member is enum.DEFAULT) for member in members]


def _weight_row(name: str, member: WeightsEnum, is_default: bool) -> dict[str, Any]:
    meta, file_name = member.meta, member.url.rpartition("/")[2]
    task = _task(name)
    contract = input_contract(member) if task == "classification" else None
    height, width = meta.get("min_size", (0, 0))
    return {
        "reference": f"torchvision/{member}",
        "architecture_id": name,
        "family": _family(name),
        "task": task,
        "is_default": is_default,
        "is_quantized": name.startswith("quantized_"),
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
        "preprocessing": to_plain(contract),
        "transform": plain_transform(member),
        "arguments": _arguments(name, member),
    }


def _architecture_row(name: str, weights: list[dict[str, Any]]) -> dict[str, Any]:
    ordered = sorted(weights, key=_goodness, reverse=True)
    default = ordered[0]
    assert default["is_default"], name
    contract, sizes = default["preprocessing"], default["transform"].get("crop_size", [0])
    return {
        "architecture_id": name,
        "builder": f"torchvision/{name}",
        "family": default["family"],
        "task": default["task"],
        "num_parameters": default["num_parameters"],
        "gflops": default["gflops"],
        "num_features": _num_features(_float_twin(name) or name, default["arguments"]),
        "weights": [row["reference"] for row in ordered],
        "default_weights": default["reference"],
        "min_image_px": min(
            min(row["min_image_height_px"], row["min_image_width_px"]) for row in weights
        ),
        "default_image_px": contract["height_px"] if contract else sizes[0],
        "is_buildable": name in families(),
        "is_quantized": default["is_quantized"],
        "float_twin": _float_twin(name),
        "library": library(),
        "licences": sorted({row["licence"] for row in weights}),
    }


def _goodness(row: Mapping[str, Any]) -> tuple[bool, float]:
    value = row["metrics"][0]["value"] if row["metrics"] else 0.0
    return row["is_default"], -value if row["task"] == "optical_flow" else value


def _arguments(name: str, member: WeightsEnum) -> dict[str, Any]:
    """Return what the pretrained structure needs.

    Source: torchvision's builders, where they change arguments because weights are given.
    """
    float_name = _float_twin(name) or name
    if float_name == "googlenet":
        return {"transform_input": True, "aux_logits": False, "init_weights": True}
    if float_name == "inception_v3":
        return {"transform_input": True, "aux_logits": True, "init_weights": True}
    if name.startswith("vit_"):
        return {"image_size": member.meta["min_size"][0]}
    if _task(name) == "segmentation":
        num_classes = len(member.meta["categories"])
        auxiliary = {} if name.startswith("lraspp") else {"aux_loss": True}
        return {"num_classes": num_classes, "weights_backbone": None, **auxiliary}
    return {}


def _task(name: str) -> str:
    package, module = get_model_builder(name).__module__.split(".")[-2:]
    return TASKS.get(module) or PACKAGE_TASKS.get(package, "classification")


def _family(name: str) -> str:
    float_name = _float_twin(name) or name
    if float_name in families():
        return family_of(float_name).name
    module = str(get_model_builder(name).__module__).rpartition(".")[2]
    return f"video_{module}" if _task(name) == "video" else module


def _float_twin(name: str) -> str:
    prefix = "quantized_"
    return name.removeprefix(prefix) if name.startswith(prefix) else ""


def _num_features(name: str, arguments: Mapping[str, Any]) -> int:
    """Return the width that the first layer of the head takes; 0 for a convolution."""
    if name not in families():
        return 0
    module = skeleton(Recipe(builder=f"torchvision/{name}", arguments=arguments))
    head = family_of(name).head_modules
    for path, layer in module.named_modules():
        in_head = any(is_inside(path, root) for root in head)
        if in_head and next(layer.parameters(recurse=False), None) is not None:
            return _width(layer)
    raise AssertionError(f"{name} has no head")


def _width(layer: nn.Module) -> int:
    if isinstance(layer, nn.Linear):
        return layer.in_features
    if isinstance(layer, nn.LayerNorm):
        return int(layer.normalized_shape[0])
    return 0


def _sha256_prefix(file_name: str) -> str:
    """Return the hex digits that torch.hub compares. Source: HASH_REGEX in torch/hub.py."""
    found = re.search(r"-([a-f0-9]{8,})\.", file_name)
    return found.group(1) if found else ""


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


if __name__ == "__main__":
    sys.exit(main())
