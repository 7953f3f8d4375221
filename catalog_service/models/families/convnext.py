"""ConvNeXt: a downsampling belongs to the stage after it. `classifier.0` is a norm: head, kept."""

from catalog_service.models.families.family import Family, SizeRule, feature_rule, stages

STAGES = stages(
    stem="features.0",
    stage1="features.1",
    stage2="features.2 features.3",
    stage3="features.4 features.5",
    stage4="features.6 features.7",
)

ARCHITECTURES = ("convnext_tiny", "convnext_small", "convnext_base", "convnext_large")

FEATURES = feature_rule(
    " ".join(f"features.{index}" for index in range(8)),
    {
        "stage1": "features.1",
        "stage2": "features.3",
        "stage3": "features.5",
        "stage4": "features.7",
    },
)

FAMILY = Family(
    name="convnext",
    stages=dict.fromkeys(ARCHITECTURES, STAGES),
    head_modules=("classifier",),
    final_layer="classifier.2",
    head_init="truncated_normal_0.02",
    size=SizeRule(minimum_px=32),
    stem_layer="features.0.0",
    features=dict.fromkeys(
        ("convnext_tiny", "convnext_small", "convnext_base", "convnext_large"), FEATURES
    ),
    source="Liu et al. 2022, arXiv:2201.03545, table 9",
)
