"""States as other code names and shapes them, drawn at random. Written without our tables.

Sources: timm/models/vision_transformer.py, vit_base_patch16_224; timm/models/convnext.py,
convnext_tiny; github.com/facebookresearch/ConvNeXt, models/convnext.py, convnext_tiny;
github.com/microsoft/Swin-Transformer, models/swin_transformer.py.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

State = dict[str, Tensor]
WIDTH, NUM_BLOCKS = 768, 12
WIDTHS, DEPTHS = (96, 192, 384, 768), (3, 3, 9, 3)


def timm_vit_b_16(image_px: int) -> State:
    """Return a ViT-B/16 for images of `image_px`."""
    num_tokens = 1 + (image_px // 16) ** 2
    state = {
        "cls_token": torch.randn(1, 1, WIDTH),
        "pos_embed": torch.randn(1, num_tokens, WIDTH),
        **_layer("patch_embed.proj", WIDTH, 3, 16, 16),
        **_norm("norm", WIDTH),
        **_layer("head", 1000, WIDTH),
    }
    for number in range(NUM_BLOCKS):
        block = f"blocks.{number}"
        state |= _norm(f"{block}.norm1", WIDTH) | _norm(f"{block}.norm2", WIDTH)
        state |= _layer(f"{block}.attn.qkv", 3 * WIDTH, WIDTH)
        state |= _layer(f"{block}.attn.proj", WIDTH, WIDTH)
        state |= _layer(f"{block}.mlp.fc1", 4 * WIDTH, WIDTH)
        state |= _layer(f"{block}.mlp.fc2", WIDTH, 4 * WIDTH)
    return state


def timm_convnext_tiny() -> State:
    """Return a ConvNeXt-T under timm's names."""
    state = _layer("stem.0", WIDTHS[0], 3, 4, 4) | _norm("stem.1", WIDTHS[0])
    state |= _norm("head.norm", WIDTHS[-1]) | _layer("head.fc", 1000, WIDTHS[-1])
    for stage, (width, depth) in enumerate(zip(WIDTHS, DEPTHS, strict=True)):
        if stage:
            before = WIDTHS[stage - 1]
            state |= _norm(f"stages.{stage}.downsample.0", before)
            state |= _layer(f"stages.{stage}.downsample.1", width, before, 2, 2)
        for number in range(depth):
            names = ("conv_dw", "norm", "mlp.fc1", "mlp.fc2")
            state |= _block(f"stages.{stage}.blocks.{number}", names, width)
    return state


def meta_convnext_tiny() -> State:
    """Return a ConvNeXt-T under the names of its first code."""
    state = _norm("norm", WIDTHS[-1]) | _layer("head", 1000, WIDTHS[-1])
    state |= _layer("downsample_layers.0.0", WIDTHS[0], 3, 4, 4)
    state |= _norm("downsample_layers.0.1", WIDTHS[0])
    for stage, (width, depth) in enumerate(zip(WIDTHS, DEPTHS, strict=True)):
        if stage:
            before = WIDTHS[stage - 1]
            state |= _norm(f"downsample_layers.{stage}.0", before)
            state |= _layer(f"downsample_layers.{stage}.1", width, before, 2, 2)
        for number in range(depth):
            names = ("dwconv", "norm", "pwconv1", "pwconv2")
            state |= _block(f"stages.{stage}.{number}", names, width)
    return state


def microsoft_swin(state: Mapping[str, Tensor]) -> State:
    """Return a Swin-T of transformers under the names of Swin's first code, buffers included."""
    found: State = {}
    for name, tensor in state.items():
        if ".q_proj." in name:
            parts = [state[name.replace(".q_proj.", f".{part}_proj.")] for part in "qkv"]
            found[_swin_name(name.replace(".q_proj.", ".qkv."))] = torch.cat(parts)
        elif not any(part in name for part in (".k_proj.", ".v_proj.", "position_index")):
            found[_swin_name(name)] = tensor
    for name in [name for name in found if name.endswith("relative_position_bias_table")]:
        found[name.replace("bias_table", "index")] = _relative_positions(side=7)
        if name.split(".")[3] == "1":
            found[name.replace("attn.relative_position_bias_table", "attn_mask")] = torch.zeros(1)
    return found


def _swin_name(name: str) -> str:
    for old, new in (
        ("embeddings.patch_embeddings.projection", "patch_embed.proj"),
        ("embeddings.norm", "patch_embed.norm"),
        ("encoder.layers", "layers"),
        ("relative_position_bias.relative", "relative"),
        ("attention.o_proj", "attn.proj"),
        ("attention", "attn"),
        ("layernorm_before", "norm1"),
        ("layernorm_after", "norm2"),
        ("layernorm", "norm"),
    ):
        name = name.replace(old, new)
    return name


def _relative_positions(side: int) -> Tensor:
    """Return [side^2, side^2]: which row of the table a pair of places in a window has."""
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    down = rows.flatten()[:, None] - rows.flatten() + side - 1
    right = columns.flatten()[:, None] - columns.flatten() + side - 1
    return down * (2 * side - 1) + right


def _block(path: str, names: tuple[str, str, str, str], width: int) -> State:
    convolution, norm, first, second = (f"{path}.{name}" for name in names)
    return {
        **_layer(convolution, width, 1, 7, 7),
        **_norm(norm, width),
        **_layer(first, 4 * width, width),
        **_layer(second, width, 4 * width),
        f"{path}.gamma": torch.rand(width),
    }


def _layer(path: str, *shape: int) -> State:
    return {
        f"{path}.weight": torch.randn(shape) * 0.05,
        f"{path}.bias": torch.randn(shape[0]) * 0.05,
    }


def _norm(path: str, width: int) -> State:
    return {
        f"{path}.weight": 1 + torch.randn(width) * 0.1,
        f"{path}.bias": torch.randn(width) * 0.1,
    }
