"""RetinaNet: a class for every anchor, without proposals; the focal loss keeps them balanced."""

from catalog_service.models.families.family import Family, SizeRule
from catalog_service.models.families.faster_rcnn import RESNET50, RESNET50_STAGES, SMALL_IMAGES

ARCHITECTURES = ("retinanet_resnet50_fpn", "retinanet_resnet50_fpn_v2")

FAMILY = Family(
    name="retinanet",
    task="detection",
    stages=dict.fromkeys(ARCHITECTURES, RESNET50_STAGES),
    trunks=dict.fromkeys(ARCHITECTURES, RESNET50),
    stem_layer="backbone.body.conv1",
    neck_modules=("backbone.fpn",),
    head_modules=("head",),
    final_layer="head.classification_head.cls_logits",
    replaced=("head.classification_head.cls_logits",),
    head_init="library",
    size=SizeRule(minimum_px=1),
    tiny_arguments=SMALL_IMAGES,
    source="Lin et al. 2017, arXiv:1708.02002",
)
