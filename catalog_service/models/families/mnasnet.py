"""MNASNet: a separable stem and six stacks of inverted residuals."""

from catalog_service.models.families.family import Family, SizeRule, feature_rule, stages

STAGES = stages(
    stem="layers.0 layers.1 layers.3 layers.4 layers.6 layers.7",
    stack1="layers.8",
    stack2="layers.9",
    stack3="layers.10",
    stack4="layers.11",
    stack5="layers.12",
    stack6="layers.13 layers.14 layers.15",
)

ARCHITECTURES = ("mnasnet0_5", "mnasnet0_75", "mnasnet1_0", "mnasnet1_3")

FEATURES = feature_rule(
    " ".join(f"layers.{index}" for index in range(17)),
    {"stack1": "layers.8", "stack2": "layers.9", "stack4": "layers.11", "stack6": "layers.16"},
)

FAMILY = Family(
    name="mnasnet",
    stages=dict.fromkeys(ARCHITECTURES, STAGES),
    head_modules=("classifier",),
    final_layer="classifier.1",
    head_init="kaiming_fan_out_sigmoid",
    size=SizeRule(minimum_px=1, single_px=32),
    stem_layer="layers.0",
    features=dict.fromkeys(("mnasnet0_5", "mnasnet0_75", "mnasnet1_0", "mnasnet1_3"), FEATURES),
    source="Tan et al. 2018, arXiv:1807.11626, figure 7",
)
