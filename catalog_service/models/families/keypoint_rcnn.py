"""Keypoint R-CNN: Faster R-CNN with a heat map for each keypoint of a box."""

from catalog_service.models.families.family import Family, SizeRule
from catalog_service.models.families.faster_rcnn import RESNET50, RESNET50_STAGES, SMALL_IMAGES

ARCHITECTURES = ("keypointrcnn_resnet50_fpn",)

FAMILY = Family(
    name="keypoint_rcnn",
    task="keypoints",
    stages=dict.fromkeys(ARCHITECTURES, RESNET50_STAGES),
    trunks=dict.fromkeys(ARCHITECTURES, RESNET50),
    stem_layer="backbone.body.conv1",
    neck_modules=("backbone.fpn",),
    head_modules=("rpn", "roi_heads"),
    final_layer="roi_heads.keypoint_predictor.kps_score_lowres",
    replaced=("roi_heads.box_predictor", "roi_heads.keypoint_predictor.kps_score_lowres"),
    head_init="library",
    size=SizeRule(minimum_px=1),
    tiny_arguments=SMALL_IMAGES,
    source="He et al. 2017, arXiv:1703.06870, section 5",
)
