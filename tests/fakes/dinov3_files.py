"""DINOv3 states as other code writes them, from one under our names. Written without our tables.

Source: the modules of github.com/facebookresearch/dinov3 and of timm (eva.py, convnext.py).
"""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

State = dict[str, Tensor]


def hub(state: Mapping[str, Tensor]) -> State:
    """As transformers 4 named its modules, and the hub's files still do."""
    return {re.sub(r"^model\.(layer|stages)\.", r"\1.", name): t for name, t in state.items()}


def meta_vit(state: Mapping[str, Tensor], num_heads: int, *, fuses_gate: bool = False) -> State:
    """As Meta's `DinoVisionTransformer`: q, k and v in one, a mask for the bias of k, periods."""
    found = {
        "cls_token": state["embeddings.cls_token"],
        "mask_token": state["embeddings.mask_token"][0],
        "storage_tokens": state["embeddings.register_tokens"],
        "rope_embed.periods": rotary_periods(state, num_heads).bfloat16(),
    }
    _copy(found, "patch_embed.proj", state, "embeddings.patch_embeddings")
    _copy(found, "norm", state, "norm")
    for number in range(num_layers(state)):
        ours, theirs = f"model.layer.{number}", f"blocks.{number}"
        _block(found, theirs, state, ours)
        found[f"{theirs}.ls1.gamma"] = state[f"{ours}.layer_scale1.lambda1"]
        found[f"{theirs}.ls2.gamma"] = state[f"{ours}.layer_scale2.lambda1"]
        if f"{ours}.attention.q_proj.bias" in state:
            query, value = (state[f"{ours}.attention.{one}_proj.bias"] for one in "qv")
            found[f"{theirs}.attn.qkv.bias"] = torch.cat([query, torch.zeros_like(query), value])
            one = torch.ones_like(query)
            found[f"{theirs}.attn.qkv.bias_mask"] = torch.cat([one, 0 * one, one])
        if f"{ours}.mlp.gate_proj.weight" in state:
            _meta_gate(found, f"{theirs}.mlp", state, f"{ours}.mlp", fuses_gate=fuses_gate)
    return found


def timm_vit(state: Mapping[str, Tensor], *, has_bias: bool = True) -> State:
    """As timm's `Eva`: no mask token, no mask, no periods; biases apart, or none of them."""
    found = {
        "cls_token": state["embeddings.cls_token"],
        "reg_token": state["embeddings.register_tokens"],
    }
    _copy(found, "patch_embed.proj", state, "embeddings.patch_embeddings")
    _copy(found, "norm", state, "norm")
    for number in range(num_layers(state)):
        ours, theirs = f"model.layer.{number}", f"blocks.{number}"
        _block(found, theirs, state, ours)
        found[f"{theirs}.gamma_1"] = state[f"{ours}.layer_scale1.lambda1"]
        found[f"{theirs}.gamma_2"] = state[f"{ours}.layer_scale2.lambda1"]
        if has_bias and f"{ours}.attention.q_proj.bias" in state:
            for one in "qv":
                found[f"{theirs}.attn.{one}_bias"] = state[f"{ours}.attention.{one}_proj.bias"]
        if f"{ours}.mlp.gate_proj.weight" in state:
            for new, old in (("fc1_g", "gate_proj"), ("fc1_x", "up_proj"), ("fc2", "down_proj")):
                _copy(found, f"{theirs}.mlp.{new}", state, f"{ours}.mlp.{old}")
    return found


def meta_convnext(state: Mapping[str, Tensor]) -> State:
    """As Meta's `ConvNeXt`: the last norm is there twice, as module and in the list of norms."""
    rules = (
        (r"^model\.stages\.(\d+)\.downsample_layers\.", r"downsample_layers.\1."),
        (r"^model\.stages\.(\d+)\.layers\.", r"stages.\1."),
        (r"depthwise_conv", "dwconv"),
        (r"pointwise_conv", "pwconv"),
        (r"layer_norm", "norm"),
    )
    found = {_renamed(name, rules): tensor for name, tensor in state.items()}
    return found | {f"norms.3.{end}": found[f"norm.{end}"].clone() for end in ("weight", "bias")}


def timm_convnext(state: Mapping[str, Tensor]) -> State:
    """As timm's `ConvNeXt`: the first downsampling is the stem, the last norm is in the head."""
    rules = (
        (r"^model\.stages\.0\.downsample_layers\.", "stem."),
        (r"^model\.(stages\.\d+)\.downsample_layers\.", r"\1.downsample."),
        (r"^model\.(stages\.\d+)\.layers\.", r"\1.blocks."),
        (r"depthwise_conv", "conv_dw"),
        (r"pointwise_conv", "mlp.fc"),
        (r"^layer_norm", "head.norm"),
        (r"layer_norm", "norm"),
    )
    return {_renamed(name, rules): tensor for name, tensor in state.items()}


def rotary_periods(state: Mapping[str, Tensor], num_heads: int) -> Tensor:
    """Return 100^(i / n) for the quarter of a head's width."""
    count = state["norm.weight"].numel() // num_heads // 4
    return 100.0 ** (torch.arange(count) / count)


def num_layers(state: Mapping[str, Tensor]) -> int:
    """Return how many layers a state under our names has."""
    return sum(name.endswith("norm1.weight") for name in state)


def _block(found: State, theirs: str, state: Mapping[str, Tensor], ours: str) -> None:
    """Add what Meta and timm name alike."""
    for norm in ("norm1", "norm2"):
        _copy(found, f"{theirs}.{norm}", state, f"{ours}.{norm}")
    _copy(found, f"{theirs}.attn.proj", state, f"{ours}.attention.o_proj")
    weights = [state[f"{ours}.attention.{one}_proj.weight"] for one in "qkv"]
    found[f"{theirs}.attn.qkv.weight"] = torch.cat(weights)
    if f"{ours}.mlp.gate_proj.weight" not in state:
        _copy(found, f"{theirs}.mlp.fc1", state, f"{ours}.mlp.up_proj")
        _copy(found, f"{theirs}.mlp.fc2", state, f"{ours}.mlp.down_proj")


def _meta_gate(
    found: State, theirs: str, state: Mapping[str, Tensor], ours: str, *, fuses_gate: bool
) -> None:
    _copy(found, f"{theirs}.w3", state, f"{ours}.down_proj")
    if not fuses_gate:
        _copy(found, f"{theirs}.w1", state, f"{ours}.gate_proj")
        _copy(found, f"{theirs}.w2", state, f"{ours}.up_proj")
        return
    for end in ("weight", "bias"):
        halves = [state[f"{ours}.{one}_proj.{end}"] for one in ("gate", "up")]
        found[f"{theirs}.w12.{end}"] = torch.cat(halves)


def _copy(found: State, theirs: str, state: Mapping[str, Tensor], ours: str) -> None:
    for end in ("weight", "bias"):
        found[f"{theirs}.{end}"] = state[f"{ours}.{end}"]


def _renamed(name: str, rules: tuple[tuple[str, str], ...]) -> str:
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name
