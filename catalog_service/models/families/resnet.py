"""ResNet: a stem and four stages of residual blocks."""

from catalog_service.models.families.family import Family, SizeRule, stages

STAGES = stages(
    stem="conv1 bn1",
    layer1="layer1",
    layer2="layer2",
    layer3="layer3",
    layer4="layer4",
)

FAMILY = Family(
    name="resnet",
    stages=dict.fromkeys(("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"), STAGES),
    head_modules=("fc",),
    final_layer="fc",
    head_init="uniform_fan_in",
    size=SizeRule(minimum_px=1),
    stem_layer="conv1",
    source="He et al. 2015, arXiv:1512.03385, table 1",
)
