"""DeepLabv3: FCN with atrous spatial pyramid pooling, whose norm needs two images in training."""

from catalog_service.models.families import mobilenet_v3
from catalog_service.models.families.family import Family, SizeRule, Trunk, stages_inside
from catalog_service.models.families.fcn import RESNET_STAGES, dilated_resnet
from catalog_service.models.layout import PrefixRename

MOBILENET = Trunk(
    architecture_id="mobilenet_v3_large",
    names=(PrefixRename(blob_prefix="features.", model_prefix="backbone."),),
)
"""Dilated inside a segmentation model: the same tensors, other strides."""

MOBILENET_STAGES = stages_inside(MOBILENET, mobilenet_v3.FAMILY.stages["mobilenet_v3_large"])

FAMILY = Family(
    name="deeplabv3",
    task="segmentation",
    stages={
        "deeplabv3_mobilenet_v3_large": MOBILENET_STAGES,
        "deeplabv3_resnet50": RESNET_STAGES,
        "deeplabv3_resnet101": RESNET_STAGES,
    },
    trunks={
        "deeplabv3_mobilenet_v3_large": MOBILENET,
        "deeplabv3_resnet50": dilated_resnet("resnet50"),
        "deeplabv3_resnet101": dilated_resnet("resnet101"),
    },
    stem_layer="backbone.conv1",
    stem_layers={"deeplabv3_mobilenet_v3_large": "backbone.0.0"},
    head_modules=("classifier",),
    aux_modules=("aux_classifier",),
    aux_argument="aux_loss",
    final_layer="classifier.4",
    replaced=("classifier.4", "aux_classifier.4"),
    head_init="uniform_fan_in",
    size=SizeRule(minimum_px=1, training_batch=2),
    source="Chen et al. 2017, arXiv:1706.05587",
)
