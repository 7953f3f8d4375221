"""SSD: boxes from six maps of a VGG-16 whose last pooling and fully connected layers are gone.

Its backbone is its own: torchvision numbers VGG-16's fifth block anew inside `extra.0` and adds the
two dilated convolutions there, so a backbone of `vgg16` does not fit.
"""

from catalog_service.models.families.family import Family, SizeRule, stages

FAMILY = Family(
    name="ssd",
    task="detection",
    stages={
        "ssd300_vgg16": stages(
            block1="backbone.features.0 backbone.features.2",
            block2="backbone.features.5 backbone.features.7",
            block3="backbone.features.10 backbone.features.12 backbone.features.14",
            block4="backbone.features.17 backbone.features.19 backbone.features.21",
            block5="backbone.extra.0",
        )
    },
    stem_layer="backbone.features.0",
    neck_modules=(
        "backbone.scale_weight",
        *(f"backbone.extra.{index}" for index in range(1, 5)),
    ),
    head_modules=("head",),
    final_layer="head.classification_head",
    replaced=tuple(f"head.classification_head.module_list.{index}" for index in range(6)),
    head_init="library",
    size=SizeRule(minimum_px=1),
    source="Liu et al. 2015, arXiv:1512.02325, figure 2",
)
