"""DINOv3 ConvNeXt: four stages, each with its downsampling; the last norm is the last one's."""

from collections.abc import Mapping
from dataclasses import replace

from catalog_service.models.families.argument_rule import number, whole
from catalog_service.models.families.family import Family, SizeRule, StageRule, feature_rule

NUM_STAGES = 4

ARCHITECTURES = (
    "dinov3_convnext_tiny",
    "dinov3_convnext_small",
    "dinov3_convnext_base",
    "dinov3_convnext_large",
)


def sized_stages(arguments: Mapping[str, object]) -> tuple[StageRule, ...]:
    """Return a stage for each of `depths`."""
    depths = arguments.get("depths", ())
    assert isinstance(depths, list | tuple), depths
    return _stages(len(depths)) if depths else ()


def _stages(num_stages: int) -> tuple[StageRule, ...]:
    rules = [
        StageRule(name=f"stage{index + 1}", modules=(f"model.stages.{index}",))
        for index in range(num_stages)
    ]
    last = rules[-1]
    return (*rules[:-1], replace(last, modules=(*last.modules, "layer_norm")))


FEATURES = feature_rule(
    "model.stages.0 model.stages.1 model.stages.2 model.stages.3 layer_norm",
    {f"stage{index + 1}": f"model.stages.{index}" for index in range(4)},
    runner="dinov3_convnext",
    has_class_token=True,
)
"""The vector is the normed mean of the last map, which transformers puts where ViT's token is."""

FAMILY = Family(
    name="dinov3_convnext",
    task="features",
    stages=dict.fromkeys(ARCHITECTURES, _stages(NUM_STAGES)),
    sized_stages=sized_stages,
    stem_layer="model.stages.0.downsample_layers.0",
    head_modules=(),
    final_layer="",
    head_init="library",
    size=SizeRule(minimum_px=32),
    free_arguments={
        "hidden_sizes": whole(1, 4096, count=NUM_STAGES),
        "depths": whole(1, 36, count=NUM_STAGES),
        "drop_path_rate": number(0, 0.95),
        "layer_scale_init_value": number(0, 100),
    },
    tiny_arguments={"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1]},
    features=dict.fromkeys(ARCHITECTURES, FEATURES),
    source="Siméoni et al. 2025, arXiv:2508.10104; transformers, models/dinov3_convnext",
)
