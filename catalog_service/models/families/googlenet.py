"""GoogLeNet: inception modules between poolings. A new task has no auxiliary heads."""

from catalog_service.models.families.family import Family, SizeRule, feature_rule, stages

FEATURES = feature_rule(
    "conv1 maxpool1 conv2 conv3 maxpool2 inception3a inception3b maxpool3 "
    "inception4a inception4b inception4c inception4d inception4e maxpool4 "
    "inception5a inception5b",
    {
        "stem": "conv3",
        "inception3": "inception3b",
        "inception4": "inception4e",
        "inception5": "inception5b",
    },
    runner="transformed_input",
)

FAMILY = Family(
    name="googlenet",
    stages={
        "googlenet": stages(
            stem="conv1 conv2 conv3",
            inception3="inception3a inception3b",
            inception4="inception4a inception4b inception4c inception4d inception4e",
            inception5="inception5a inception5b",
        )
    },
    head_modules=("dropout", "fc"),
    final_layer="fc",
    replaced=("fc", "aux1.fc2", "aux2.fc2"),
    head_init="truncated_normal_0.01_linear_bias",
    size=SizeRule(minimum_px=15, single_px=46),
    aux_modules=("aux1", "aux2"),
    aux_argument="aux_logits",
    stem_layer="conv1.conv",
    features={"googlenet": FEATURES},
    source="Szegedy et al. 2014, arXiv:1409.4842, table 1",
)
