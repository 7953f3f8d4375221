"""FCOS: a box for every place of the pyramid, without anchors."""

from catalog_service.models.families.family import Family, SizeRule
from catalog_service.models.families.faster_rcnn import RESNET50, RESNET50_STAGES, SMALL_IMAGES

ARCHITECTURES = ("fcos_resnet50_fpn",)

FAMILY = Family(
    name="fcos",
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
    source="Tian et al. 2019, arXiv:1904.01355",
)
