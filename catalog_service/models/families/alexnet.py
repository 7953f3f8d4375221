"""AlexNet: five convolutions, three fully connected layers."""

from catalog_service.models.families.family import Family, SizeRule, feature_rule, stages

FEATURES = feature_rule(
    " ".join(f"features.{index}" for index in range(13)),
    {
        "conv1": "features.1",
        "conv2": "features.4",
        "conv4": "features.9",
        "conv5": "features.12",
    },
)
"""Rectified; the last one is pooled too."""

FAMILY = Family(
    name="alexnet",
    stages={
        "alexnet": stages(
            conv1="features.0",
            conv2="features.3",
            conv3="features.6",
            conv4="features.8",
            conv5="features.10",
        )
    },
    head_modules=("classifier",),
    final_layer="classifier.6",
    head_init="uniform_fan_in",
    size=SizeRule(minimum_px=63),
    stem_layer="features.0",
    features={"alexnet": FEATURES},
    source="Krizhevsky 2014, arXiv:1404.5997",
)
