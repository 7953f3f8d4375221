"""DINOv3 ViT: a stage for each layer; the last norm belongs to the last one. It has no head."""

from collections.abc import Mapping
from typing import Any

from catalog_service.models.families.argument_rule import FLAG, number, whole
from catalog_service.models.families.family import Family, SizeRule, StageRule, feature_rule

NUM_LAYERS = {
    "dinov3_vits16": 12,
    "dinov3_vits16plus": 12,
    "dinov3_vitb16": 12,
    "dinov3_vitl16": 24,
    "dinov3_vith16plus": 32,
    "dinov3_vit7b16": 40,
}
"""Source: Siméoni et al. 2025, table 2, and the configurations of the published files."""


def sized_stages(arguments: Mapping[str, object]) -> tuple[StageRule, ...]:
    """Return a stage for each of `num_hidden_layers`."""
    num_layers = arguments.get("num_hidden_layers", 0)
    assert isinstance(num_layers, int), num_layers
    return _stages(num_layers) if num_layers else ()


def _stages(num_layers: int) -> tuple[StageRule, ...]:
    last = num_layers - 1
    return (
        StageRule(name="stem", modules=("embeddings",)),
        *(
            StageRule(name=f"layer{index}", modules=(f"model.layer.{index}",))
            for index in range(last)
        ),
        StageRule(name=f"layer{last}", modules=(f"model.layer.{last}", "norm")),
    )


def heads_that_do_not_fit(arguments: Mapping[str, Any]) -> str:
    """Return why the width cannot be shared out among the heads, and the nearest that can.

    Source: Su et al. 2021, arXiv:2104.09864: pairs of numbers are turned, here in two directions.
    """
    width, heads = arguments["hidden_size"], arguments["num_attention_heads"]
    step = 4 * heads
    if width % step == 0:
        return ""
    near = sorted({max(width // step, 1) * step, -(-width // step) * step})
    return (
        f"hidden_size {width} is no multiple of 4 x num_attention_heads {heads}; nearest are "
        f"{' and '.join(map(str, near))}"
    )


FEATURES = feature_rule(
    "embeddings rope_embeddings model norm",
    {"patches": "norm"},
    strides=(16,),
    runner="dinov3_vit",
    has_class_token=True,
)
"""Class token and registers are left out of the map."""

FAMILY = Family(
    name="dinov3_vit",
    task="features",
    stages={name: _stages(count) for name, count in NUM_LAYERS.items()},
    sized_stages=sized_stages,
    stem_layer="embeddings.patch_embeddings",
    head_modules=(),
    final_layer="",
    head_init="library",
    size=SizeRule(minimum_px=16, multiple_of_px=16, crops_border=True),
    free_arguments={
        "num_hidden_layers": whole(1, 48),
        "hidden_size": whole(8, 4096),
        "intermediate_size": whole(8, 16_384),
        "num_attention_heads": whole(1, 128),
        "num_register_tokens": whole(0, 64),
        "use_gated_mlp": FLAG,
        "query_bias": FLAG,
        "key_bias": FLAG,
        "value_bias": FLAG,
        "drop_path_rate": number(0, 0.95),
        "layerscale_value": number(0, 100),
        "pos_embed_rescale": number(1, 10),
    },
    contradiction=heads_that_do_not_fit,
    tiny_arguments={
        "num_hidden_layers": 2,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_attention_heads": 2,
    },
    features=dict.fromkeys(NUM_LAYERS, FEATURES),
    source="Siméoni et al. 2025, arXiv:2508.10104; transformers, models/dinov3_vit",
)
