"""DINOv3 of any size, from the configuration that transformers writes. Pure.

Source: transformers, models/dinov3_vit/configuration_dinov3_vit.py and
models/dinov3_convnext/configuration_dinov3_convnext.py.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from catalog_service.errors import Precondition, listed
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.index.entries import WeightEntry
from catalog_service.models.families.table import family_of
from catalog_service.models.published_dinov3 import CONFIGURATIONS, LICENCE
from catalog_service.weights.sources.repository import Repository

OLD_NAMES: Mapping[str, str] = {"use_swiglu_ffn": "use_gated_mlp"}
"""Keys that transformers renamed."""

DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "dinov3_vit": {
        "patch_size": 16,
        "hidden_size": 384,
        "intermediate_size": 1536,
        "num_hidden_layers": 12,
        "num_attention_heads": 6,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-5,
        "query_bias": True,
        "key_bias": False,
        "value_bias": True,
        "proj_bias": True,
        "mlp_bias": True,
        "layerscale_value": 1.0,
        "drop_path_rate": 0.0,
        "use_gated_mlp": False,
        "num_register_tokens": 0,
        "pos_embed_rescale": 2.0,
    },
    "dinov3_convnext": {
        "hidden_sizes": [96, 192, 384, 768],
        "depths": [3, 3, 9, 3],
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-6,
        "layer_scale_init_value": 1e-6,
        "drop_path_rate": 0.0,
    },
}
"""What shapes the model or its outputs -> what it is where a configuration does not say."""

FIXED: Mapping[str, Any] = {
    "patch_size": 16,
    "num_channels": 3,
    "rope_theta": 100.0,
    "pos_embed_shift": None,
    "pos_embed_jitter": None,
}
"""What every DINOv3 of ours has."""

EPS = "layer_norm_eps"


def dinov3_entry(
    repository: Repository, config: Mapping[str, Any], index: CatalogIndex
) -> WeightEntry:
    """Return the entry of a repository with a DINOv3 of any size.

    Raises:
        Precondition: something in it that ours cannot be.
    """
    family = str(config["model_type"])  # `dinov3_vit` or `dinov3_convnext`: our families too
    said = {OLD_NAMES.get(key, key): value for key, value in config.items()}
    _check(said, family)
    arguments = _arguments(said, family)
    published = _published(arguments, family)
    model = published or _models(family)[0]
    like = index.default_weight(model)
    return replace(
        like,
        reference=repository.reference,
        is_default=False,
        is_gated=False,
        url=repository.url(),
        file_name=repository.file_name,
        size_bytes=like.size_bytes if published else 0,
        num_parameters=like.num_parameters if published else 0,
        gflops=like.gflops if published else 0.0,
        metrics=(),
        recipe_url=repository.page,
        licence=LICENCE,
        description=(
            f"{repository.repository} of the hub: DINOv3, whose licence holds for what is made "
            "from it."
        ),
        arguments=like.arguments if published else arguments,
    )


def _models(family: str) -> list[str]:
    return [name for name in CONFIGURATIONS if family_of(name).name == family]


def _arguments(said: Mapping[str, Any], family: str) -> dict[str, Any]:
    return {name: said.get(name, default) for name, default in DEFAULTS[family].items()}


def _published(arguments: Mapping[str, Any], family: str) -> str:
    """Return the published architecture of this structure; empty: another size."""
    for name in _models(family):
        if arguments == {**DEFAULTS[family], **CONFIGURATIONS[name]}:
            return name
    return ""


def _check(said: Mapping[str, Any], family: str) -> None:
    model = family_of(_models(family)[0])
    wrong = [
        f"{name} is {said[name]!r:.40}, not {value!r}"
        for name, value in FIXED.items()
        if said.get(name, value) != value
    ]
    for name, rule in model.free_arguments.items():
        if name in said and (problem := rule.problem(said[name])):
            wrong.append(f"{name} {problem}")
    whole = {**DEFAULTS[family], **said}
    if type(whole[EPS]) is not float or not 0 < whole[EPS] < 1:
        wrong.append(f"{EPS} is {whole[EPS]!r:.40}, not a number between 0 and 1")
    if not wrong and model.contradiction and (problem := model.contradiction(whole)):
        wrong.append(problem)
    if wrong:
        raise Precondition(listed(wrong))
