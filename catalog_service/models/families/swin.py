"""Swin and Swin V2: a patch merging belongs to the stage after it; any size is padded to fit."""

from catalog_service.models.families.family import Family, SizeRule, feature_rule, stages

STAGES = stages(
    stem="features.0",
    stage1="features.1",
    stage2="features.2 features.3",
    stage3="features.4 features.5",
    stage4="features.6 features.7 norm",
)

FEATURES = feature_rule(
    " ".join(f"features.{index}" for index in range(8)) + " norm",
    {"stage1": "features.1", "stage2": "features.3", "stage3": "features.5", "stage4": "norm"},
    runner="channels_last",
)

FAMILY = Family(
    name="swin",
    stages=dict.fromkeys(
        ("swin_t", "swin_s", "swin_b", "swin_v2_t", "swin_v2_s", "swin_v2_b"), STAGES
    ),
    head_modules=("head",),
    final_layer="head",
    head_init="truncated_normal_0.02",
    size=SizeRule(minimum_px=4),
    stem_layer="features.0.0",
    features=dict.fromkeys(
        ("swin_t", "swin_s", "swin_b", "swin_v2_t", "swin_v2_s", "swin_v2_b"), FEATURES
    ),
    source="Liu et al. 2021, arXiv:2103.14030, table 7; arXiv:2111.09883",
)
