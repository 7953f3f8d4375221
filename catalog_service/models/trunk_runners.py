"""How a trunk's modules are run to give feature maps: one function a way, one line in `RUNNERS`.

Each takes the trunk and images and yields (path of the module that gave it, map), in the order of
the forward. Imports torch.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

CLASS_TOKEN = "class_token"
"""The path under which a runner yields an architecture's own vector, [B, D]."""

Outputs = Iterator[tuple[str, Tensor]]
"""Path of a module of the rule -> [B, C, H, W]."""


def _sequential(trunk: Any, images: Tensor) -> Outputs:
    x = images
    for path in trunk.rule.modules:
        x = trunk.get_submodule(path)(x)
        yield path, x


def _rectified_last(trunk: Any, images: Tensor) -> Outputs:
    """DenseNet's last rectifier is a function of its forward."""
    last = trunk.rule.modules[-1]
    for path, x in _sequential(trunk, images):
        yield path, functional.relu(x) if path == last else x


def _channels_last(trunk: Any, images: Tensor) -> Outputs:
    """Swin computes in [B, H, W, C]."""
    for path, x in _sequential(trunk, images):
        yield path, x.permute(0, 3, 1, 2)


def _transformed_input(trunk: Any, images: Tensor) -> Outputs:
    """GoogLeNet and Inception: published weights want another normalisation than ImageNet's."""
    return _sequential(trunk, _as_tensorflow(images) if trunk.transform_input else images)


def _as_tensorflow(images: Tensor) -> Tensor:
    """Return [B, 3, H, W] as (x - 0.5) / 0.5 would have given it.

    Source: torchvision, `GoogLeNet._transform_input`, in the same order of operations.
    """
    channels = [
        torch.unsqueeze(images[:, index], 1) * (std / 0.5) + (mean - 0.5) / 0.5
        for index, (mean, std) in enumerate(
            zip((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), strict=True)
        )
    ]
    return torch.cat(channels, 1)


def _vit(trunk: Any, images: Tensor) -> Outputs:
    """Source: torchvision, `VisionTransformer.forward`, which refuses other sizes, too: an image on
    its side has as many patches, and would get the positions of others.
    """
    found = tuple(images.shape[-2:])
    torch._assert(found == trunk.image_px, f"images are {found} px, not {trunk.image_px}")
    patches = trunk.conv_proj(images)  # [B, D, h, w]
    tokens = patches.flatten(2).permute(0, 2, 1)  # [B, h * w, D]
    own = trunk.class_token.expand(len(tokens), -1, -1)
    x = trunk.encoder(torch.cat([own, tokens], dim=1))
    yield "encoder", _as_map(x[:, 1:], patches.shape[-2:])
    yield CLASS_TOKEN, x[:, 0]


def _dinov3_vit(trunk: Any, images: Tensor) -> Outputs:
    """Source: transformers, `DINOv3ViTModel.forward`."""
    images = images.to(trunk.embeddings.patch_embeddings.weight.dtype)
    tokens = trunk.embeddings(images)  # [B, 1 + registers + h * w, D]
    positions = trunk.rope_embeddings(images)
    encoded = trunk.model(tokens, position_embeddings=positions).last_hidden_state
    x = trunk.norm(encoded)
    patch_px = trunk.embeddings.patch_embeddings.kernel_size
    size = (images.shape[-2] // patch_px[0], images.shape[-1] // patch_px[1])
    yield "norm", _as_map(x[:, -size[0] * size[1] :], size)
    yield CLASS_TOKEN, x[:, 0]


def _dinov3_convnext(trunk: Any, images: Tensor) -> Outputs:
    """Source: transformers, `DINOv3ConvNextModel.forward`."""
    x = images
    for index, stage in enumerate(trunk.model.stages):
        x = stage(x)
        yield f"model.stages.{index}", x
    mean = functional.adaptive_avg_pool2d(x, 1).flatten(1)
    yield CLASS_TOKEN, trunk.layer_norm(mean)


def _as_map(tokens: Tensor, size: Any) -> Tensor:
    """Return [B, h * w, D] as [B, D, h, w]."""
    return tokens.transpose(1, 2).reshape(len(tokens), -1, *size)


RUNNERS: Mapping[str, Callable[[nn.Module, Tensor], Outputs]] = {
    "sequential": _sequential,
    "rectified_last": _rectified_last,
    "channels_last": _channels_last,
    "transformed_input": _transformed_input,
    "vit": _vit,
    "dinov3_vit": _dinov3_vit,
    "dinov3_convnext": _dinov3_convnext,
}
"""`FeatureRule.runner` -> how the modules are run."""
