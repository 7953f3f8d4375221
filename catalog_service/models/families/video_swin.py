"""Video Swin: windows over time and space; a patch merging belongs to the stage after it."""

from catalog_service.models.families.family import Family, SizeRule, stages

STAGES = stages(
    stem="patch_embed",
    stage1="features.0",
    stage2="features.1 features.2",
    stage3="features.3 features.4",
    stage4="features.5 features.6 norm",
)

ARCHITECTURES = ("swin3d_t", "swin3d_s", "swin3d_b")

FAMILY = Family(
    name="video_swin",
    task="video",
    stages=dict.fromkeys(ARCHITECTURES, STAGES),
    stem_layer="patch_embed.proj",
    head_modules=("head",),
    final_layer="head",
    head_init="truncated_normal_0.02",
    size=SizeRule(minimum_px=1),
    source="Liu et al. 2021, arXiv:2106.13230, section 3.3",
)
