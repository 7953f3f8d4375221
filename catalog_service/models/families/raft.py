"""RAFT: optical flow from the correlation of two images' features, refined step by step.

The two encoders are the backbone, side by side; what iterates on their maps is the head. It has no
classes, so there is nothing to replace, and no one first layer: each encoder has its own.
"""

from catalog_service.models.families.family import Family, SizeRule, StageRule

PARTS = {
    "stem": "convnormrelu",
    "layer1": "layer1",
    "layer2": "layer2",
    "layer3": "layer3",
    "out": "conv",
}
"""Stage -> its module in each encoder."""

ENCODERS = ("feature_encoder", "context_encoder")

STAGES = tuple(
    StageRule(name=name, modules=tuple(f"{encoder}.{part}" for encoder in ENCODERS))
    for name, part in PARTS.items()
)

FAMILY = Family(
    name="raft",
    task="optical_flow",
    stages=dict.fromkeys(("raft_small", "raft_large"), STAGES),
    head_modules=("update_block", "mask_predictor"),
    final_layer="",
    head_init="library",
    size=SizeRule(minimum_px=128, multiple_of_px=8),
    source="Teed and Deng 2020, arXiv:2003.12039",
)
