"""Tiny images with boxes, masks and keypoints, for one training step of a detector."""

import torch
from torch import Tensor


def images(num_images: int = 2, side_px: int = 64, num_channels: int = 3) -> list[Tensor]:
    """Return images of noise, [C, H, W] in 0 to 1."""
    generator = torch.Generator().manual_seed(0)
    shape = (num_channels, side_px, side_px)
    return [torch.rand(shape, generator=generator) for _ in range(num_images)]


def targets(num_images: int = 2, side_px: int = 64, num_points: int = 3) -> list[dict[str, Tensor]]:
    """Return one object of label 1 for each image: a square with a mask and keypoints inside."""
    start, end = side_px // 4, side_px // 4 * 3
    mask = torch.zeros((1, side_px, side_px), dtype=torch.uint8)
    mask[:, start:end, start:end] = 1
    middle = torch.full((1, num_points, 1), float(side_px // 2))
    return [
        {
            "boxes": torch.tensor([[start, start, end, end]], dtype=torch.float32),
            "labels": torch.tensor([1]),
            "masks": mask,
            "keypoints": torch.cat([middle, middle, torch.ones_like(middle)], dim=2),
        }
        for _ in range(num_images)
    ]
