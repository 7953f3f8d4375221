"""MobileNetV3: a stage for each run of equal width. `classifier.0` is pretrained and kept."""

from catalog_service.models.families.family import Family, SizeRule, feature_rule, stages

STAGES = {
    "mobilenet_v3_large": stages(
        stem="features.0",
        stage1="features.1",
        stage2="features.2 features.3",
        stage3="features.4 features.5 features.6",
        stage4="features.7 features.8 features.9 features.10",
        stage5="features.11 features.12",
        stage6="features.13 features.14 features.15 features.16",
    ),
    "mobilenet_v3_small": stages(
        stem="features.0",
        stage1="features.1",
        stage2="features.2 features.3",
        stage3="features.4 features.5 features.6",
        stage4="features.7 features.8",
        stage5="features.9 features.10 features.11 features.12",
    ),
}

FAMILY = Family(
    name="mobilenet_v3",
    stages=STAGES,
    head_modules=("classifier",),
    final_layer="classifier.3",
    head_init="normal_0.01",
    size=SizeRule(minimum_px=1, single_px=32),
    stem_layer="features.0.0",
    features={
        "mobilenet_v3_large": feature_rule(
            " ".join(f"features.{index}" for index in range(17)),
            {
                "stage2": "features.3",
                "stage3": "features.6",
                "stage5": "features.12",
                "stage6": "features.16",
            },
            dilation={"dilated": True},
        ),
        "mobilenet_v3_small": feature_rule(
            " ".join(f"features.{index}" for index in range(13)),
            {
                "stage1": "features.1",
                "stage2": "features.3",
                "stage4": "features.8",
                "stage5": "features.12",
            },
            dilation={"dilated": True},
        ),
    },
    source="Howard et al. 2019, arXiv:1905.02244, tables 1 and 2",
)
