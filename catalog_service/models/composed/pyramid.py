"""Feature maps of several strides, through a neck if one is asked for."""

from torch import Tensor, nn

from catalog_service.models.composed.backbone import PyramidBackbone, pyramid_backbone
from catalog_service.models.recipe import Recipe


class Pyramid(nn.Module):
    """Images [B, C, H, W] -> name -> [B, C_i, H_i, W_i], finest first."""

    def __init__(self, backbone: PyramidBackbone) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Return the maps as a plain dictionary."""
        return dict(self.backbone(images))


def compose_pyramid(module: nn.Module, recipe: Recipe) -> nn.Module:
    """Return the backbone and its neck; there is no head."""
    return Pyramid(pyramid_backbone(module, recipe))
