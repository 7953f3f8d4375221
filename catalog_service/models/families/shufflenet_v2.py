"""ShuffleNetV2: a stem and three stages; the last convolution belongs to the last stage."""

from catalog_service.models.families.family import Family, SizeRule, feature_rule, stages

STAGES = stages(
    stem="conv1",
    stage2="stage2",
    stage3="stage3",
    stage4="stage4 conv5",
)

FEATURES = feature_rule(
    "conv1 maxpool stage2 stage3 stage4 conv5",
    {"stem": "maxpool", "stage2": "stage2", "stage3": "stage3", "stage4": "conv5"},
)

FAMILY = Family(
    name="shufflenet_v2",
    stages=dict.fromkeys(
        (
            "shufflenet_v2_x0_5",
            "shufflenet_v2_x1_0",
            "shufflenet_v2_x1_5",
            "shufflenet_v2_x2_0",
        ),
        STAGES,
    ),
    head_modules=("fc",),
    final_layer="fc",
    head_init="uniform_fan_in",
    size=SizeRule(minimum_px=1, single_px=32),
    stem_layer="conv1.0",
    features=dict.fromkeys(
        (
            "shufflenet_v2_x0_5",
            "shufflenet_v2_x1_0",
            "shufflenet_v2_x1_5",
            "shufflenet_v2_x2_0",
        ),
        FEATURES,
    ),
    source="Ma et al. 2018, arXiv:1807.11164, table 5",
)
