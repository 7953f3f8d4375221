"""A Vision Transformer for images that are not square. Imports torch."""

import torch
from torch import Tensor, nn
from torchvision.models import VisionTransformer


class RectangularViT(VisionTransformer):  # type: ignore[misc]  # torchvision has no types
    """torchvision's ViT, whose names it keeps, for one height and one width.

    Only the check of the size differs; torchvision's wants a square.

    Args:
        square: whose widths and depths are taken; its numbers are not.
        height_px, width_px: multiples of its patch size.
    """

    def __init__(self, square: VisionTransformer, height_px: int, width_px: int) -> None:
        layers = square.encoder.layers
        super().__init__(
            image_size=square.patch_size,
            patch_size=square.patch_size,
            num_layers=len(layers),
            num_heads=layers[0].num_heads,
            hidden_dim=square.hidden_dim,
            mlp_dim=square.mlp_dim,
            dropout=square.dropout,
            attention_dropout=square.attention_dropout,
            num_classes=square.num_classes,
        )
        self.image_height_px = height_px
        self.image_width_px = width_px
        self.seq_length = 1 + (height_px // square.patch_size) * (width_px // square.patch_size)
        table = torch.empty(1, self.seq_length, square.hidden_dim)
        self.encoder.pos_embedding = nn.Parameter(table.normal_(std=0.02))

    def _process_input(self, images: Tensor) -> Tensor:
        """Return the patches as vectors: [B, C, H, W] -> [B, N, D]."""
        size = (self.image_height_px, self.image_width_px)
        torch._assert(
            tuple(images.shape[-2:]) == size,
            f"Wrong image size! Expected {size} but got {tuple(images.shape[-2:])}!",
        )
        patches: Tensor = self.conv_proj(images)  # [B, D, rows, columns]
        return patches.flatten(2).transpose(1, 2)
