"""EfficientNet and EfficientNetV2: the last 1x1 convolution belongs to the last stage."""

from catalog_service.models.families.family import (
    Family,
    FeatureRule,
    SizeRule,
    StageRule,
    feature_rule,
)


def _stages(num_stages: int) -> tuple[StageRule, ...]:
    middle = [
        StageRule(name=f"stage{index}", modules=(f"features.{index}",))
        for index in range(1, num_stages)
    ]
    last = (f"features.{num_stages}", f"features.{num_stages + 1}")
    return (
        StageRule(name="stem", modules=("features.0",)),
        *middle,
        StageRule(name=f"stage{num_stages}", modules=last),
    )


STAGES = {
    **{f"efficientnet_b{width}": _stages(7) for width in range(8)},
    "efficientnet_v2_s": _stages(6),
    "efficientnet_v2_m": _stages(7),
    "efficientnet_v2_l": _stages(7),
}


def _features(num_stages: int) -> FeatureRule:
    """Return the last map of each stride; stage 4 is as fine as stage 5, and 6 as the last."""
    return feature_rule(
        " ".join(f"features.{index}" for index in range(num_stages + 2)),
        {
            "stage2": "features.2",
            "stage3": "features.3",
            "stage5": "features.5",
            f"stage{num_stages}": f"features.{num_stages + 1}",
        },
    )


FAMILY = Family(
    name="efficientnet",
    stages=STAGES,
    head_modules=("classifier",),
    final_layer="classifier.1",
    head_init="uniform_fan_out",
    size=SizeRule(minimum_px=1, single_px=32),
    stem_layer="features.0.0",
    features={
        **{f"efficientnet_b{width}": _features(7) for width in range(8)},
        "efficientnet_v2_s": _features(6),
        "efficientnet_v2_m": _features(7),
        "efficientnet_v2_l": _features(7),
    },
    source="Tan and Le 2019, arXiv:1905.11946, table 1; 2021, arXiv:2104.00298, table 4",
)
