"""RegNet: a stem and four blocks of residual bottlenecks."""

from catalog_service.models.families.family import Family, SizeRule, feature_rule, stages

STAGES = stages(
    stem="stem",
    block1="trunk_output.block1",
    block2="trunk_output.block2",
    block3="trunk_output.block3",
    block4="trunk_output.block4",
)

SIZES_X = ("400mf", "800mf", "1_6gf", "3_2gf", "8gf", "16gf", "32gf")
SIZES_Y = (*SIZES_X, "128gf")

BY_ARCHITECTURE = {
    **{f"regnet_x_{size}": STAGES for size in SIZES_X},
    **{f"regnet_y_{size}": STAGES for size in SIZES_Y},
}

FEATURES = feature_rule(
    "stem trunk_output.block1 trunk_output.block2 trunk_output.block3 trunk_output.block4",
    {f"block{index}": f"trunk_output.block{index}" for index in range(1, 5)},
)

FAMILY = Family(
    name="regnet",
    stages=BY_ARCHITECTURE,
    head_modules=("fc",),
    final_layer="fc",
    head_init="normal_0.01",
    size=SizeRule(minimum_px=1, single_px=32),
    stem_layer="stem.0",
    features={
        **{f"regnet_x_{size}": FEATURES for size in SIZES_X},
        **{f"regnet_y_{size}": FEATURES for size in SIZES_Y},
    },
    source="Radosavovic et al. 2020, arXiv:2003.13678, figure 3",
)
