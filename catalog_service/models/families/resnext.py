"""ResNeXt: ResNet with grouped convolutions."""

from catalog_service.models.families.family import Family, SizeRule, stages
from catalog_service.models.families.resnet import BOTTLENECK_FEATURES

STAGES = stages(
    stem="conv1 bn1",
    layer1="layer1",
    layer2="layer2",
    layer3="layer3",
    layer4="layer4",
)

ARCHITECTURES = ("resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d")

FAMILY = Family(
    name="resnext",
    stages=dict.fromkeys(ARCHITECTURES, STAGES),
    head_modules=("fc",),
    final_layer="fc",
    head_init="uniform_fan_in",
    size=SizeRule(minimum_px=1, single_px=32),
    stem_layer="conv1",
    features=dict.fromkeys(
        ("resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d"), BOTTLENECK_FEATURES
    ),
    source="Xie et al. 2016, arXiv:1611.05431, table 1",
)
