"""What the torch worker does for the catalog: plain JSON in, plain JSON and files out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from catalog_service.blobs.state_digest import state_digest, tensor_digests
from catalog_service.models.attach import State
from catalog_service.models.compose import compose
from catalog_service.models.compose import fit_backbone as fit
from catalog_service.models.describe import describe
from catalog_service.models.layout import StateLayout
from catalog_service.models.plain_json import JsonObject
from catalog_service.models.recipe import Recipe
from catalog_service.models.write_state import write_state


def describe_model(arguments: Mapping[str, Any]) -> JsonObject:
    """Return a recipe's layout and counts.

    Args:
        arguments: `recipe`.

    Returns:
        `layout`, `num_parameters`, `num_backbone_parameters`.
    """
    return _described(describe(Recipe.from_json(arguments["recipe"])))


def build_parts(arguments: Mapping[str, Any]) -> JsonObject:
    """Write a model's backbone and head as two safetensors files.

    Args:
        arguments: `recipe`; `source`: path of a safetensors file under canonical names, or None for
            random numbers; `seed`; `allow_partial`; `backbone_out`, `head_out`: paths to write.

    Returns:
        `report`, `layout`, `state_digest`, `backbone_digest`, and the counts of `describe_model`.

    Raises:
        StateMismatch: the source does not fit.
    """
    source = arguments.get("source")
    composed = compose(
        Recipe.from_json(arguments["recipe"]),
        Path(source) if source else None,
        seed=arguments.get("seed", 0),
        allow_partial=arguments.get("allow_partial", False),
    )
    backbone_path, head_path = Path(arguments["backbone_out"]), Path(arguments["head_out"])
    write_state(backbone_path, composed.backbone)
    write_state(head_path, composed.head)
    backbone, head = tensor_digests(backbone_path), tensor_digests(head_path)
    return {
        "report": composed.report.to_json(),
        "state_digest": state_digest([*backbone, *head]),
        "backbone_digest": state_digest(backbone),
        **_described(composed.layout),
    }


def fit_backbone(arguments: Mapping[str, Any]) -> JsonObject:
    """Write the backbone tensors of a user's state; head tensors are dropped and reported.

    Args:
        arguments: `recipe`; `source`: path of a safetensors file under canonical names;
            `allow_partial`; `backbone_out`: path to write.

    Returns:
        `report`, `backbone_digest`.

    Raises:
        StateMismatch: the source does not fit.
    """
    state, report = fit(
        Recipe.from_json(arguments["recipe"]),
        Path(arguments["source"]),
        allow_partial=arguments.get("allow_partial", False),
    )
    return {
        "report": report.to_json(),
        "backbone_digest": _write(Path(arguments["backbone_out"]), state),
    }


def _write(path: Path, state: State) -> str:
    write_state(path, state)
    return state_digest(tensor_digests(path))


def _described(layout: StateLayout) -> JsonObject:
    return {
        "layout": layout.to_json(),
        "num_parameters": layout.num_parameters,
        "num_backbone_parameters": layout.num_backbone_parameters,
    }
