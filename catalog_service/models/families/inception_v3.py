"""Inception v3: modules by grid size. A new task has no auxiliary head."""

from catalog_service.models.families.family import Family, SizeRule, feature_rule, stages

FEATURES = feature_rule(
    "Conv2d_1a_3x3 Conv2d_2a_3x3 Conv2d_2b_3x3 maxpool1 Conv2d_3b_1x1 Conv2d_4a_3x3 maxpool2 "
    "Mixed_5b Mixed_5c Mixed_5d Mixed_6a Mixed_6b Mixed_6c Mixed_6d Mixed_6e "
    "Mixed_7a Mixed_7b Mixed_7c",
    {"stem2": "Conv2d_4a_3x3", "mixed5": "Mixed_5d", "mixed6": "Mixed_6e", "mixed7": "Mixed_7c"},
    runner="transformed_input",
)
"""Convolutions without padding: maps are a few pixels smaller than their strides say."""

FAMILY = Family(
    name="inception_v3",
    stages={
        "inception_v3": stages(
            stem="Conv2d_1a_3x3 Conv2d_2a_3x3 Conv2d_2b_3x3",
            stem2="Conv2d_3b_1x1 Conv2d_4a_3x3",
            mixed5="Mixed_5b Mixed_5c Mixed_5d",
            mixed6="Mixed_6a Mixed_6b Mixed_6c Mixed_6d Mixed_6e",
            mixed7="Mixed_7a Mixed_7b Mixed_7c",
        )
    },
    head_modules=("dropout", "fc"),
    final_layer="fc",
    replaced=("fc", "AuxLogits.fc"),
    head_init="truncated_normal_0.1_linear_bias",
    size=SizeRule(minimum_px=75, aux_training_px=299, single_px=106, aux_single_px=346),
    aux_modules=("AuxLogits",),
    aux_argument="aux_logits",
    stem_layer="Conv2d_1a_3x3.conv",
    features={"inception_v3": FEATURES},
    source="Szegedy et al. 2015, arXiv:1512.00567, table 1",
)
