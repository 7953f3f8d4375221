"""Faster R-CNN: proposals (RPN) and box heads over a pyramid of a classification backbone."""

from catalog_service.models.families import mobilenet_v3, resnet
from catalog_service.models.families.family import Family, SizeRule, Trunk, stages_inside
from catalog_service.models.layout import PrefixRename

RESNET50 = Trunk(
    architecture_id="resnet50",
    names=(PrefixRename(blob_prefix="", model_prefix="backbone.body."),),
)
"""In every detector with a ResNet. Source: torchvision's `BackboneWithFPN`."""

RESNET50_STAGES = stages_inside(RESNET50, resnet.STAGES)

MOBILENET = Trunk(
    architecture_id="mobilenet_v3_large",
    names=(PrefixRename(blob_prefix="features.", model_prefix="backbone.body."),),
)

MOBILENET_STAGES = stages_inside(MOBILENET, mobilenet_v3.FAMILY.stages["mobilenet_v3_large"])

SMALL_IMAGES = {"min_size": 96, "max_size": 128}
"""The detector's own resize, for a variant that trains in a second."""

FAMILY = Family(
    name="faster_rcnn",
    task="detection",
    stages={
        "fasterrcnn_mobilenet_v3_large_320_fpn": MOBILENET_STAGES,
        "fasterrcnn_mobilenet_v3_large_fpn": MOBILENET_STAGES,
        "fasterrcnn_resnet50_fpn": RESNET50_STAGES,
        "fasterrcnn_resnet50_fpn_v2": RESNET50_STAGES,
    },
    trunks={
        "fasterrcnn_mobilenet_v3_large_320_fpn": MOBILENET,
        "fasterrcnn_mobilenet_v3_large_fpn": MOBILENET,
        "fasterrcnn_resnet50_fpn": RESNET50,
        "fasterrcnn_resnet50_fpn_v2": RESNET50,
    },
    stem_layer="backbone.body.conv1",
    stem_layers={
        "fasterrcnn_mobilenet_v3_large_320_fpn": "backbone.body.0.0",
        "fasterrcnn_mobilenet_v3_large_fpn": "backbone.body.0.0",
    },
    neck_modules=("backbone.fpn",),
    head_modules=("rpn", "roi_heads"),
    final_layer="roi_heads.box_predictor.cls_score",
    replaced=("roi_heads.box_predictor",),
    head_init="library",
    size=SizeRule(minimum_px=1),
    tiny_arguments=SMALL_IMAGES,
    source="Ren et al. 2015, arXiv:1506.01497; Lin et al. 2016, arXiv:1612.03144",
)
