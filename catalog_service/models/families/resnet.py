"""ResNet: a stem and four stages of residual blocks."""

from dataclasses import replace

from catalog_service.models.families.family import Family, SizeRule, feature_rule, stages

STAGES = stages(
    stem="conv1 bn1",
    layer1="layer1",
    layer2="layer2",
    layer3="layer3",
    layer4="layer4",
)

ARCHITECTURES = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")

FEATURES = feature_rule(
    "conv1 bn1 relu maxpool layer1 layer2 layer3 layer4",
    {"layer1": "layer1", "layer2": "layer2", "layer3": "layer3", "layer4": "layer4"},
)
BOTTLENECK_FEATURES = replace(
    FEATURES, dilation={"replace_stride_with_dilation": [False, True, True]}
)
"""Basic blocks cannot be dilated. Source: torchvision's fcn_resnet50."""

FAMILY = Family(
    name="resnet",
    stages=dict.fromkeys(ARCHITECTURES, STAGES),
    head_modules=("fc",),
    final_layer="fc",
    head_init="uniform_fan_in",
    size=SizeRule(minimum_px=1, single_px=32),
    stem_layer="conv1",
    features={
        "resnet18": FEATURES,
        "resnet34": FEATURES,
        **dict.fromkeys(("resnet50", "resnet101", "resnet152"), BOTTLENECK_FEATURES),
    },
    source="He et al. 2015, arXiv:1512.03385, table 1",
)
