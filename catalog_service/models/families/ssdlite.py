"""SSDLite: SSD of separable convolutions over MobileNetV3.

Its backbone is its own: torchvision halves the width of the last blocks and numbers them anew.
"""

from catalog_service.models.families.family import Family, SizeRule, stages

FIRST = "backbone.features.0"
"""Up to the expansion of C4's first block."""

LAST = "backbone.features.1"

FAMILY = Family(
    name="ssdlite",
    task="detection",
    stages={
        "ssdlite320_mobilenet_v3_large": stages(
            stem=f"{FIRST}.0",
            stage1=f"{FIRST}.1",
            stage2=f"{FIRST}.2 {FIRST}.3",
            stage3=f"{FIRST}.4 {FIRST}.5 {FIRST}.6",
            stage4=f"{FIRST}.7 {FIRST}.8 {FIRST}.9 {FIRST}.10",
            stage5=f"{FIRST}.11 {FIRST}.12",
            stage6=f"{FIRST}.13 {LAST}",
        )
    },
    stem_layer=f"{FIRST}.0.0",
    neck_modules=("backbone.extra",),
    head_modules=("head",),
    final_layer="head.classification_head",
    replaced=tuple(f"head.classification_head.module_list.{index}.1" for index in range(6)),
    head_init="library",
    size=SizeRule(minimum_px=1),
    source="Howard et al. 2019, arXiv:1905.02244, section 6.3",
)
