"""Mask R-CNN: Faster R-CNN with a mask for each box."""

from catalog_service.models.families.family import Family, SizeRule
from catalog_service.models.families.faster_rcnn import RESNET50, RESNET50_STAGES, SMALL_IMAGES

ARCHITECTURES = ("maskrcnn_resnet50_fpn", "maskrcnn_resnet50_fpn_v2")

FAMILY = Family(
    name="mask_rcnn",
    task="instance_segmentation",
    stages=dict.fromkeys(ARCHITECTURES, RESNET50_STAGES),
    trunks=dict.fromkeys(ARCHITECTURES, RESNET50),
    stem_layer="backbone.body.conv1",
    neck_modules=("backbone.fpn",),
    head_modules=("rpn", "roi_heads"),
    final_layer="roi_heads.box_predictor.cls_score",
    replaced=("roi_heads.box_predictor", "roi_heads.mask_predictor"),
    head_init="library",
    size=SizeRule(minimum_px=1),
    tiny_arguments=SMALL_IMAGES,
    source="He et al. 2017, arXiv:1703.06870",
)
