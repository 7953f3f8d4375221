"""LR-ASPP: a light segmentation head over two maps of MobileNetV3; it has no auxiliary head."""

from catalog_service.models.families.deeplabv3 import MOBILENET, MOBILENET_STAGES
from catalog_service.models.families.family import Family, SizeRule

FAMILY = Family(
    name="lraspp",
    task="segmentation",
    stages={"lraspp_mobilenet_v3_large": MOBILENET_STAGES},
    trunks={"lraspp_mobilenet_v3_large": MOBILENET},
    stem_layer="backbone.0.0",
    head_modules=("classifier",),
    final_layer="classifier.high_classifier",
    replaced=("classifier.low_classifier", "classifier.high_classifier"),
    head_init="uniform_fan_in",
    size=SizeRule(minimum_px=1, single_px=16),
    source="Howard et al. 2019, arXiv:1905.02244, section 6.4",
)
