"""Wide ResNet: ResNet with twice the bottleneck width."""

from catalog_service.models.families.family import Family, SizeRule, stages
from catalog_service.models.families.resnet import BOTTLENECK_FEATURES

STAGES = stages(
    stem="conv1 bn1",
    layer1="layer1",
    layer2="layer2",
    layer3="layer3",
    layer4="layer4",
)

FAMILY = Family(
    name="wide_resnet",
    stages=dict.fromkeys(("wide_resnet50_2", "wide_resnet101_2"), STAGES),
    head_modules=("fc",),
    final_layer="fc",
    head_init="uniform_fan_in",
    size=SizeRule(minimum_px=1, single_px=32),
    stem_layer="conv1",
    features=dict.fromkeys(("wide_resnet50_2", "wide_resnet101_2"), BOTTLENECK_FEATURES),
    source="Zagoruyko and Komodakis 2016, arXiv:1605.07146",
)
