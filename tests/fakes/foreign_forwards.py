"""What other code computes from tensors under its own names, written from that code.

Sources: timm/models/vision_transformer.py (`VisionTransformer.forward_features`, `Block`,
`Attention`), timm/models/convnext.py (`ConvNeXtBlock`, `ConvNeXtStage`),
github.com/facebookresearch/ConvNeXt, models/convnext.py.
"""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's own spelling

State = Mapping[str, Tensor]
EPS = 1e-6


def timm_vit_tokens(state: State, images: Tensor, num_heads: int) -> Tensor:
    """Return all tokens [B, 1 + N, D] behind the last norm."""
    x = F.conv2d(images, *_pair(state, "patch_embed.proj"), stride=16)
    x = x.flatten(2).transpose(1, 2)  # [B, N, D]
    x = torch.cat([state["cls_token"].expand(len(x), -1, -1), x], dim=1) + state["pos_embed"]
    for number in range(_count(state, "blocks")):
        block = f"blocks.{number}"
        x = x + _attention(state, f"{block}.attn", _norm(state, f"{block}.norm1", x), num_heads)
        hidden = F.gelu(
            F.linear(_norm(state, f"{block}.norm2", x), *_pair(state, f"{block}.mlp.fc1"))
        )
        x = x + F.linear(hidden, *_pair(state, f"{block}.mlp.fc2"))
    return _norm(state, "norm", x)


def _attention(state: State, path: str, x: Tensor, num_heads: int) -> Tensor:
    num_images, num_tokens, width = x.shape
    of_head = width // num_heads
    qkv = F.linear(x, *_pair(state, f"{path}.qkv"))
    qkv = qkv.reshape(num_images, num_tokens, 3, num_heads, of_head)
    query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # each [B, heads, T, D / heads]
    weights = (query @ key.transpose(-2, -1) * of_head**-0.5).softmax(dim=-1)
    y = (weights @ value).transpose(1, 2).reshape(x.shape)
    return F.linear(y, *_pair(state, f"{path}.proj"))


def timm_convnext_map(state: State, images: Tensor) -> Tensor:
    """Return the last map [B, C, H / 32, W / 32] under timm's names."""
    x = _norm_channels(state, "stem.1", F.conv2d(images, *_pair(state, "stem.0"), stride=4))
    for stage in range(4):
        if stage:
            x = _norm_channels(state, f"stages.{stage}.downsample.0", x)
            x = F.conv2d(x, *_pair(state, f"stages.{stage}.downsample.1"), stride=2)
        blocks = f"stages.{stage}.blocks"
        for number in range(_count(state, blocks)):
            names = ("conv_dw", "norm", "mlp.fc1", "mlp.fc2")
            x = _block(state, f"{blocks}.{number}", names, x)
    return x


def meta_convnext_map(state: State, images: Tensor) -> Tensor:
    """Return the same under the names of ConvNeXt's first code."""
    x = images
    for stage in range(4):
        first, second = (f"downsample_layers.{stage}.{number}" for number in range(2))
        if stage:
            x = _norm_channels(state, first, x)
            x = F.conv2d(x, *_pair(state, second), stride=2)
        else:
            x = _norm_channels(state, second, F.conv2d(x, *_pair(state, first), stride=4))
        for number in range(_count(state, f"stages.{stage}")):
            names = ("dwconv", "norm", "pwconv1", "pwconv2")
            x = _block(state, f"stages.{stage}.{number}", names, x)
    return x


def _block(state: State, path: str, names: tuple[str, str, str, str], x: Tensor) -> Tensor:
    convolution, norm, first, second = (f"{path}.{name}" for name in names)
    y = F.conv2d(x, *_pair(state, convolution), padding=3, groups=x.shape[1])
    y = _norm(state, norm, y.permute(0, 2, 3, 1))  # [B, H, W, C]
    y = F.linear(F.gelu(F.linear(y, *_pair(state, first))), *_pair(state, second))
    return x + (y * state[f"{path}.gamma"]).permute(0, 3, 1, 2)


def _norm_channels(state: State, path: str, x: Tensor) -> Tensor:
    return _norm(state, path, x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def _norm(state: State, path: str, x: Tensor) -> Tensor:
    weight, bias = _pair(state, path)
    return F.layer_norm(x, weight.shape, weight, bias, EPS)


def _pair(state: State, path: str) -> tuple[Tensor, Tensor]:
    return state[f"{path}.weight"], state[f"{path}.bias"]


def _count(state: State, path: str) -> int:
    depth = path.count(".") + 1
    return 1 + max(int(n.split(".")[depth]) for n in state if n.startswith(f"{path}."))
