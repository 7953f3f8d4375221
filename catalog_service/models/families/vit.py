"""Vision Transformer: a stage for each encoder layer; the last norm belongs to the last one."""

from catalog_service.models.families.family import (
    Family,
    FeatureRule,
    SizeRule,
    StageRule,
    feature_rule,
)

NUM_LAYERS = {"vit_b_16": 12, "vit_b_32": 12, "vit_l_16": 24, "vit_l_32": 24, "vit_h_14": 32}
"""Source: Dosovitskiy et al. 2020, table 1."""


def _stages(num_layers: int) -> tuple[StageRule, ...]:
    stem = ("conv_proj", "class_token", "encoder.pos_embedding", "encoder.dropout")
    layers = [f"encoder.layers.encoder_layer_{index}" for index in range(num_layers)]
    return (
        StageRule(name="stem", modules=stem),
        *(
            StageRule(name=f"layer{index}", modules=(path,))
            for index, path in enumerate(layers[:-1])
        ),
        StageRule(name=f"layer{num_layers - 1}", modules=(layers[-1], "encoder.ln")),
    )


PATCHES = {"vit_b_16": 16, "vit_b_32": 32, "vit_l_16": 16, "vit_l_32": 32, "vit_h_14": 14}
"""Pixels per patch."""


def _features(patch_px: int) -> FeatureRule:
    """Return the tokens of the last norm as a map; the class token is a vector of its own."""
    return feature_rule(
        "conv_proj encoder",
        {"patches": "encoder"},
        strides=(patch_px,),
        runner="vit",
        has_class_token=True,
    )


FAMILY = Family(
    name="vit",
    stages={name: _stages(count) for name, count in NUM_LAYERS.items()},
    head_modules=("heads",),
    final_layer="heads.head",
    head_init="zeros",
    position_table="encoder.pos_embedding",
    size=SizeRule(
        minimum_px=16,
        minimums_px=PATCHES,
        multiple_of_px=16,
        multiples_px=PATCHES,
        is_fixed=True,
        argument="image_size",
        default_px=224,
    ),
    stem_layer="conv_proj",
    features={name: _features(size) for name, size in PATCHES.items()},
    tiny_arguments={"image_size": 32},
    source="Dosovitskiy et al. 2020, arXiv:2010.11929",
)
