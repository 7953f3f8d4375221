"""What a training step must leave behind."""

import torch
from torch import nn

UNUSED = ("mask_token", "layer_norm.weight", "layer_norm.bias")
"""DINOv3's: used in its pretraining, and for its pooled vector alone."""


def check_gradients(model: nn.Module) -> None:
    """Every part learns, and nothing that learns is not a number."""
    gradients = {
        name: parameter.grad
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }
    assert all(torch.isfinite(gradient).all() for gradient in gradients.values())
    without = [
        name
        for name, parameter in model.named_parameters()
        if parameter.grad is None and not name.endswith(UNUSED)
    ]
    assert not without
