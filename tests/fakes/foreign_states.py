"""States as other code names and shapes them, drawn at random. Written without our tables.

Sources: timm/models/vision_transformer.py, vit_base_patch16_224; timm/models/convnext.py,
convnext_tiny; github.com/facebookresearch/ConvNeXt, models/convnext.py, convnext_tiny.
"""

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
