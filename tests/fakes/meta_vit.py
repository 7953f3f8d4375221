"""Meta's DINOv3 ViT as a few lines over a file of Meta's names, to compare whole outputs with.

Source: dinov3/models/vision_transformer.py and dinov3/layers, the inference path.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import conv2d, gelu, layer_norm, linear, scaled_dot_product_attention, silu

NORM_EPS = 1e-5
NUM_REGISTERS = 4


def meta_tokens(file: Mapping[str, Tensor], images: Tensor, num_heads: int) -> Tensor:
    """Return the normed tokens, [B, 1 + registers + patches, D]."""
    weight = file["patch_embed.proj.weight"]
    patches = conv2d(images, weight, file["patch_embed.proj.bias"], stride=weight.shape[-1])
    rows, columns = patches.shape[-2:]
    batch = len(images)
    tokens = torch.cat(
        [
            file["cls_token"].expand(batch, -1, -1),
            file["storage_tokens"].expand(batch, -1, -1),
            patches.flatten(2).transpose(1, 2),
        ],
        dim=1,
    )
    sine, cosine = _positions(file["rope_embed.periods"], rows, columns)
    for number in range(sum(name.endswith("norm1.weight") for name in file)):
        path = f"blocks.{number}"
        block = {n.removeprefix(f"{path}."): t for n, t in file.items() if n.startswith(f"{path}.")}
        attended = _attention(block, _norm(block, "norm1", tokens), num_heads, sine, cosine)
        tokens = tokens + block["ls1.gamma"] * attended
        tokens = tokens + block["ls2.gamma"] * _mlp(block, _norm(block, "norm2", tokens))
    return _norm(file, "norm", tokens)


def _positions(periods: Tensor, rows: int, columns: int) -> tuple[Tensor, Tensor]:
    down, right = torch.arange(0.5, rows) / rows, torch.arange(0.5, columns) / columns
    places = 2 * torch.stack(torch.meshgrid(down, right, indexing="ij"), -1).flatten(0, 1) - 1
    angles = 2 * math.pi * places[:, :, None] / periods.float()
    angles = angles.flatten(1).tile(2)
    return angles.sin(), angles.cos()


def _attention(
    block: Mapping[str, Tensor], tokens: Tensor, num_heads: int, sine: Tensor, cosine: Tensor
) -> Tensor:
    bias = block["attn.qkv.bias"] * block["attn.qkv.bias_mask"]
    batch, count, width = tokens.shape
    fused = linear(tokens, block["attn.qkv.weight"], bias)
    query, key, value = (
        part.transpose(1, 2) for part in fused.view(batch, count, 3, num_heads, -1).unbind(2)
    )
    query, key = (_turned(one, sine, cosine) for one in (query, key))
    seen = scaled_dot_product_attention(query, key, value).transpose(1, 2)
    seen = seen.reshape(batch, count, width)
    return linear(seen, block["attn.proj.weight"], block["attn.proj.bias"])


def _turned(tokens: Tensor, sine: Tensor, cosine: Tensor) -> Tensor:
    first, patches = tokens[:, :, : 1 + NUM_REGISTERS], tokens[:, :, 1 + NUM_REGISTERS :]
    left, right = patches.chunk(2, dim=-1)
    return torch.cat([first, patches * cosine + torch.cat([-right, left], -1) * sine], dim=2)


def _mlp(block: Mapping[str, Tensor], tokens: Tensor) -> Tensor:
    def layer(name: str, values: Tensor) -> Tensor:
        return linear(values, block[f"mlp.{name}.weight"], block[f"mlp.{name}.bias"])

    if "mlp.w12.weight" in block:
        gate, rest = layer("w12", tokens).chunk(2, dim=-1)
        return layer("w3", silu(gate) * rest)
    if "mlp.w1.weight" in block:
        return layer("w3", silu(layer("w1", tokens)) * layer("w2", tokens))
    return layer("fc2", gelu(layer("fc1", tokens)))


def _norm(file: Mapping[str, Tensor], name: str, tokens: Tensor) -> Tensor:
    weight, bias = file[f"{name}.weight"], file[f"{name}.bias"]
    return layer_norm(tokens, weight.shape, weight, bias, NORM_EPS)
