"""The published DINOv3 backbones, as data: ids, configurations, files and how images get in.

The hub gives their files to those who have accepted the licence, so nothing here is read from it.
No torch.

Source: the ids of github.com/facebookresearch/dinov3 (README.md); the configurations that
transformers' conversion program wrote into the files; LICENSE.md, updated 2025-08-19.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LICENCE = "dinov3-license"

HUB = "https://huggingface.co"

IMAGE_PX = 224
"""Both sides are resized to it. Source: DINOv3ViTImageProcessor of transformers."""

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
SATELLITE = ((0.430, 0.411, 0.296), (0.213, 0.156, 0.143))
"""Mean and std of the images that it was trained on. Source: README.md, "Image transforms"."""

_VIT = {"patch_size": 16, "num_register_tokens": 4}
_GATED = {"use_gated_mlp": True, "hidden_act": "silu"}


def _vit(layers: int, width: int, heads: int, hidden: int, **more: Any) -> dict[str, Any]:
    return {
        **_VIT,
        "num_hidden_layers": layers,
        "hidden_size": width,
        "num_attention_heads": heads,
        "intermediate_size": hidden,
        **more,
    }


def _convnext(width: int, third_depth: int) -> dict[str, Any]:
    widths = [width, 2 * width, 4 * width, 8 * width]
    return {"hidden_sizes": widths, "depths": [3, 3, third_depth, 3]}


CONFIGURATIONS: Mapping[str, Mapping[str, Any]] = {
    "dinov3_convnext_tiny": _convnext(96, 9),
    "dinov3_convnext_small": _convnext(96, 27),
    "dinov3_convnext_base": _convnext(128, 27),
    "dinov3_convnext_large": _convnext(192, 27),
    "dinov3_vits16": _vit(12, 384, 6, 1536),
    "dinov3_vits16plus": _vit(12, 384, 6, 1536, **_GATED),
    "dinov3_vitb16": _vit(12, 768, 12, 3072),
    "dinov3_vitl16": _vit(24, 1024, 16, 4096),
    "dinov3_vith16plus": _vit(32, 1280, 20, 5120, **_GATED),
    "dinov3_vit7b16": _vit(40, 4096, 32, 8192, query_bias=False, value_bias=False, **_GATED),
}
"""Architecture -> builder arguments. Source: Siméoni et al. 2025, arXiv:2508.10104, table 2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """One repository of the hub."""

    architecture_id: str
    hub_id: str
    """`facebook/dinov3-vitb16-pretrain-lvd1689m`."""

    dataset: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def page(self) -> str:
        """Return where its terms can be accepted."""
        return f"{HUB}/{self.hub_id}"

    @property
    def url(self) -> str:
        """Return where its file is served to those who may have it; the 7B model's is in parts."""
        return f"{self.page}/resolve/main/model.safetensors"

    @property
    def file_name(self) -> str:
        """Return what mirror folders call it: on the hub, every repository's has the same name."""
        return f"{self.hub_id.rpartition('/')[2]}.safetensors"


def _publication(architecture: str, dataset: str) -> Publication:
    short = architecture.removeprefix("dinov3_").replace("_", "-")
    mean, std = SATELLITE if dataset == "SAT-493M" else IMAGENET
    data = dataset.lower().replace("-", "")
    return Publication(
        architecture_id=architecture,
        hub_id=f"facebook/dinov3-{short}-pretrain-{data}",
        dataset=dataset,
        mean=mean,
        std=std,
    )


PUBLICATIONS: tuple[Publication, ...] = (
    *(_publication(architecture, "LVD-1689M") for architecture in CONFIGURATIONS),
    _publication("dinov3_vitl16", "SAT-493M"),
    _publication("dinov3_vit7b16", "SAT-493M"),
)
"""The first of an architecture is its default: web images, as most people have."""
