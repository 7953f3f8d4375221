"""DenseNet: four dense blocks; a transition belongs to the block before it."""

from catalog_service.models.families.family import Family, SizeRule, feature_rule, stages

STAGES = stages(
    stem="features.conv0 features.norm0",
    denseblock1="features.denseblock1 features.transition1",
    denseblock2="features.denseblock2 features.transition2",
    denseblock3="features.denseblock3 features.transition3",
    denseblock4="features.denseblock4 features.norm5",
)

ARCHITECTURES = ("densenet121", "densenet161", "densenet169", "densenet201")

FEATURES = feature_rule(
    "features.conv0 features.norm0 features.relu0 features.pool0 "
    "features.denseblock1 features.transition1 features.denseblock2 features.transition2 "
    "features.denseblock3 features.transition3 features.denseblock4 features.norm5",
    {
        "denseblock1": "features.denseblock1",
        "denseblock2": "features.denseblock2",
        "denseblock3": "features.denseblock3",
        "denseblock4": "features.norm5",
    },
    runner="rectified_last",
)

FAMILY = Family(
    name="densenet",
    stages=dict.fromkeys(ARCHITECTURES, STAGES),
    head_modules=("classifier",),
    final_layer="classifier",
    head_init="uniform_fan_in_zero_bias",
    size=SizeRule(minimum_px=29, single_px=60),
    stem_layer="features.conv0",
    features=dict.fromkeys(("densenet121", "densenet161", "densenet169", "densenet201"), FEATURES),
    source="Huang et al. 2016, arXiv:1608.06993, table 1",
)
