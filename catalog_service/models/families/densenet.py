"""DenseNet: four dense blocks; a transition belongs to the block before it."""

from catalog_service.models.families.family import Family, SizeRule, stages

STAGES = stages(
    stem="features.conv0 features.norm0",
    denseblock1="features.denseblock1 features.transition1",
    denseblock2="features.denseblock2 features.transition2",
    denseblock3="features.denseblock3 features.transition3",
    denseblock4="features.denseblock4 features.norm5",
)

FAMILY = Family(
    name="densenet",
    stages=dict.fromkeys(("densenet121", "densenet161", "densenet169", "densenet201"), STAGES),
    head_modules=("classifier",),
    final_layer="classifier",
    head_init="uniform_fan_in_zero_bias",
    size=SizeRule(minimum_px=29),
    stem_layer="features.conv0",
    source="Huang et al. 2016, arXiv:1608.06993, table 1",
)
