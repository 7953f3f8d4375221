"""MobileNetV2: inverted residuals, a stage for each row of the paper's table."""

from catalog_service.models.families.family import Family, SizeRule, feature_rule, stages

FAMILY = Family(
    name="mobilenet_v2",
    stages={
        "mobilenet_v2": stages(
            stem="features.0",
            stage1="features.1",
            stage2="features.2 features.3",
            stage3="features.4 features.5 features.6",
            stage4="features.7 features.8 features.9 features.10",
            stage5="features.11 features.12 features.13",
            stage6="features.14 features.15 features.16",
            stage7="features.17 features.18",
        )
    },
    head_modules=("classifier",),
    final_layer="classifier.1",
    head_init="normal_0.01",
    size=SizeRule(minimum_px=1, single_px=32),
    stem_layer="features.0.0",
    features={
        "mobilenet_v2": feature_rule(
            " ".join(f"features.{index}" for index in range(19)),
            {
                "stage2": "features.3",
                "stage3": "features.6",
                "stage5": "features.13",
                "stage7": "features.18",
            },
        )
    },
    source="Sandler et al. 2018, arXiv:1801.04381, table 2",
)
