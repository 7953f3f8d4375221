"""SqueezeNet: fire modules between poolings; the head is a 1x1 convolution, then ReLU and pool."""

from catalog_service.models.families.family import Family, SizeRule, feature_rule, stages

MODULES = " ".join(f"features.{index}" for index in range(13))

FAMILY = Family(
    name="squeezenet",
    stages={
        "squeezenet1_0": stages(
            stem="features.0",
            block1="features.3 features.4 features.5",
            block2="features.7 features.8 features.9 features.10",
            block3="features.12",
        ),
        "squeezenet1_1": stages(
            stem="features.0",
            block1="features.3 features.4",
            block2="features.6 features.7",
            block3="features.9 features.10 features.11 features.12",
        ),
    },
    head_modules=("classifier",),
    final_layer="classifier.1",
    output_activation="classifier.2",
    head_init="normal_0.01",
    size=SizeRule(minimum_px=21, minimums_px={"squeezenet1_1": 17}),
    stem_layer="features.0",
    features={
        "squeezenet1_0": feature_rule(
            MODULES,
            {"block1": "features.5", "block2": "features.10", "block3": "features.12"},
            strides=(4, 8, 16),
        ),
        "squeezenet1_1": feature_rule(
            MODULES,
            {"block1": "features.4", "block2": "features.7", "block3": "features.12"},
            strides=(4, 8, 16),
        ),
    },
    source="Iandola et al. 2016, arXiv:1602.07360, figure 2",
)
