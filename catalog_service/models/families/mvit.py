"""MViT and MViTv2: attention whose queries are pooled where a stage begins."""

from catalog_service.models.families.family import Family, SizeRule, StageRule

FIRST_BLOCKS = (0, 1, 3, 14)
"""Of each stage. Source: Fan et al. 2021, table 3 (MViT-B); Li et al. 2021, table 1 (MViTv2-S)."""

NUM_BLOCKS = 16

ARCHITECTURES = ("mvit_v2_s", "mvit_v1_b")


def _stages() -> tuple[StageRule, ...]:
    ends = (*FIRST_BLOCKS[1:], NUM_BLOCKS)
    blocks = [
        tuple(f"blocks.{index}" for index in range(begin, end))
        for begin, end in zip(FIRST_BLOCKS, ends, strict=True)
    ]
    blocks[-1] = (*blocks[-1], "norm")
    return (
        StageRule(name="stem", modules=("conv_proj", "pos_encoding")),
        *(
            StageRule(name=f"stage{number}", modules=modules)
            for number, modules in enumerate(blocks, start=1)
        ),
    )


FAMILY = Family(
    name="mvit",
    task="video",
    stages=dict.fromkeys(ARCHITECTURES, _stages()),
    stem_layer="conv_proj",
    head_modules=("head",),
    final_layer="head.1",
    head_init="truncated_normal_0.02",
    size=SizeRule(minimum_px=224, is_fixed=True, default_px=224),
    source="Fan et al. 2021, arXiv:2104.11227; Li et al. 2021, arXiv:2112.01526",
)
