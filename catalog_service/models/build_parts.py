"""What the torch worker does for the catalog: plain JSON in, plain JSON and files out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from catalog_service.blobs.state_digest import tensor_digests
from catalog_service.models.compose import Part, compose, compose_backbone
from catalog_service.models.fitting import State
from catalog_service.models.layout import StateLayout
from catalog_service.models.plain_json import JsonObject, to_plain
from catalog_service.models.recipe import Recipe
from catalog_service.models.rewrite import Rewrite
from catalog_service.models.source import Source
from catalog_service.models.template import template
from catalog_service.models.write_state import write_state


def describe_model(arguments: Mapping[str, Any]) -> JsonObject:
    """Return a recipe's layout and counts.

    Args:
        arguments: `recipe`.

    Returns:
        `layout`, `num_parameters`, `num_backbone_parameters`.
    """
    layout = template(Recipe.from_json(arguments["recipe"])).layout
    return {
        "layout": layout.to_json(),
        "num_parameters": layout.num_parameters,
        "num_backbone_parameters": layout.num_backbone_parameters,
    }


def build_parts(arguments: Mapping[str, Any]) -> JsonObject:
    """Write a model's backbone and head as two safetensors files, or the head alone.

    Args:
        arguments: `recipe`; `source`: path of a safetensors file under canonical names, or None for
            random numbers; `source_recipe`: the structure that the file is a state of, None for a
            bare backbone; `source_image_px`: height and width that its position table is for, None
            for a square's; `seed`; `allow_partial`; `head_out`, `backbone_out`: paths to write;
            without the latter, the backbone was written before and is not read.

    Returns:
        `head` and `backbone`, each `tensors` (a TensorDigest each) and `report` (a PartReport); the
        backbone's under the names of its blob, and None where it was not wanted.

    Raises:
        StateMismatch: the source does not fit.
    """
    backbone_out = arguments.get("backbone_out")
    composed = compose(
        Recipe.from_json(arguments["recipe"]),
        _source(arguments),
        seed=arguments.get("seed", 0),
        allow_partial=arguments.get("allow_partial", False),
        with_backbone=backbone_out is not None,
    )
    backbone = in_blob_names(composed.backbone, composed.layout)
    return {
        "backbone": _written(Path(backbone_out), backbone) if backbone_out else None,
        "head": _written(Path(arguments["head_out"]), composed.head),
    }


def fit_backbone(arguments: Mapping[str, Any]) -> JsonObject:
    """Write the backbone tensors of a user's state; head tensors are dropped and reported.

    Args:
        arguments: `recipe`, `source`, `source_recipe`, `allow_partial` and `backbone_out` as in
            `build_parts`; `rewrite`: of a file under names that are not ours.

    Returns:
        `tensors` and `report`, as `backbone` of `build_parts`.

    Raises:
        StateMismatch: the source does not fit.
    """
    recipe = Recipe.from_json(arguments["recipe"])
    source = _source(arguments)
    assert source is not None, "a registration has a file"
    part = compose_backbone(recipe, source, allow_partial=arguments.get("allow_partial", False))
    named = in_blob_names(part, template(recipe).layout)
    return _written(Path(arguments["backbone_out"]), named)


def in_blob_names(backbone: Part, layout: StateLayout) -> Part:
    """Return a model's backbone as its blob has it: under the backbone architecture's names."""
    state: State = {layout.blob_name(name): tensor for name, tensor in backbone.state.items()}
    return Part(state=state, report=backbone.report.renamed(layout.blob_name))


def _source(arguments: Mapping[str, Any]) -> Source | None:
    if arguments.get("source") is None:
        return None
    recipe = arguments.get("source_recipe")
    image_px = arguments.get("source_image_px")
    return Source(
        path=Path(arguments["source"]),
        recipe=Recipe.from_json(recipe) if recipe is not None else None,
        rewrite=Rewrite.from_json(arguments.get("rewrite", {})),
        image_px=(image_px[0], image_px[1]) if image_px else None,
    )


def _written(path: Path, part: Part) -> JsonObject:
    write_state(path, part.state)
    return {
        "tensors": [to_plain(digest) for digest in tensor_digests(path)],
        "report": part.report.to_json(),
    }
