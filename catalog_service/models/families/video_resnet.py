"""Video ResNet: R3D, MC3 and R(2+1)D, ResNet-18 with convolutions over time."""

from catalog_service.models.families.family import Family, SizeRule, stages

STAGES = stages(stem="stem", layer1="layer1", layer2="layer2", layer3="layer3", layer4="layer4")

ARCHITECTURES = ("mc3_18", "r3d_18", "r2plus1d_18")

FAMILY = Family(
    name="video_resnet",
    task="video",
    stages=dict.fromkeys(ARCHITECTURES, STAGES),
    stem_layer="stem.0",
    head_modules=("fc",),
    final_layer="fc",
    head_init="normal_0.01",
    size=SizeRule(minimum_px=1),
    source="Tran et al. 2017, arXiv:1711.11248, table 1",
)
