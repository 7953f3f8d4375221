"""MaxViT: window and grid attention of fixed partitions. Only `classifier.5` is replaced."""

from catalog_service.models.families.family import Family, SizeRule, feature_rule, stages

FAMILY = Family(
    name="maxvit",
    stages={
        "maxvit_t": stages(
            stem="stem",
            block1="blocks.0",
            block2="blocks.1",
            block3="blocks.2",
            block4="blocks.3",
        )
    },
    head_modules=("classifier",),
    final_layer="classifier.5",
    head_init="normal_0.02",
    size=SizeRule(
        minimum_px=224,
        multiple_of_px=224,
        is_fixed=True,
        is_square=True,
        argument="input_size",
        default_px=224,
    ),
    stem_layer="stem.0.0",
    features={
        "maxvit_t": feature_rule(
            "stem blocks.0 blocks.1 blocks.2 blocks.3",
            {f"block{index + 1}": f"blocks.{index}" for index in range(4)},
        )
    },
    source="Tu et al. 2022, arXiv:2204.01697, table 1",
)
