"""What Swin's tensors are called in its first code, which published the files that others convert.

timm's files lack the index of relative positions, which torchvision's have: they are refused.

Source: github.com/microsoft/Swin-Transformer, models/swin_transformer.py.
"""

from collections.abc import Iterator

from catalog_service.weights.naming_scheme import Place, Scheme

NUM_STAGES = 4


def _places() -> Iterator[Place]:
    yield Place(ours="features.0.0.*", theirs="patch_embed.proj.*")
    yield Place(ours="features.0.2.*", theirs="patch_embed.norm.*")
    for stage in range(NUM_STAGES):
        ours, theirs = f"features.{2 * stage + 1}.N", f"layers.{stage}.blocks.N"
        index = "attn.relative_position_index"
        yield Place(ours=f"{ours}.{index}", theirs=f"{theirs}.{index}", is_reshaped=True)
        yield Place(ours=f"{ours}.mlp.0.*", theirs=f"{theirs}.mlp.fc1.*")
        yield Place(ours=f"{ours}.mlp.3.*", theirs=f"{theirs}.mlp.fc2.*")
        yield Place(ours=f"{ours}.**", theirs=f"{theirs}.**")
        merging = f"layers.{stage}.downsample.**"
        yield Place(ours=f"features.{2 * stage + 2}.**", theirs=merging)


SWIN_SCHEMES = (
    Scheme(
        name="microsoft",
        source="github.com/microsoft/Swin-Transformer, models/swin_transformer.py",
        places=tuple(_places()),
        unused={"layers.N.blocks.N.attn_mask": "the model computes the masks of shifted windows"},
        head="head",
    ),
)
"""The index is [49, 49] there, one row here; a merging lies at the end of a stage there."""
