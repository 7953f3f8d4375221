"""Vision Transformer: a stage for each encoder layer; the last norm belongs to the last one."""

from catalog_service.models.families.family import Family, SizeRule, StageRule

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


FAMILY = Family(
    name="vit",
    stages={name: _stages(count) for name, count in NUM_LAYERS.items()},
    head_modules=("heads",),
    final_layer="heads.head",
    head_init="zeros",
    size=SizeRule(minimum_px=224, is_fixed=True, argument="image_size", default_px=224),
    stem_layer="conv_proj",
    source="Dosovitskiy et al. 2020, arXiv:2010.11929",
)
