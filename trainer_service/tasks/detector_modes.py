"""Torchvision's detectors give losses in training mode and boxes in evaluation mode, and they ask
each of their own modules which of the two it is.

Freezing has its own word on modes: batch norms and dropout of what is frozen stay in evaluation
mode. The modules below hold neither, only the question; so they alone are switched, without what is
inside them.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torchvision.models.detection import FCOS, RetinaNet
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import RegionProposalNetwork
from torchvision.models.detection.ssd import SSD
from torchvision.models.detection.transform import GeneralizedRCNNTransform

ASKING = (
    GeneralizedRCNN,
    FCOS,
    SSD,
    RetinaNet,
    GeneralizedRCNNTransform,
    RegionProposalNetwork,
    RoIHeads,
)
"""Source: torchvision.models.detection, where `self.training` is read."""


@contextmanager
def giving_losses(network: nn.Module) -> Iterator[None]:
    """Let a detector give losses, whatever of it is frozen."""
    asking = [module for module in network.modules() if isinstance(module, ASKING)]
    modes = [module.training for module in asking]
    try:
        for module in asking:
            module.training = True
        yield
    finally:
        for module, mode in zip(asking, modes, strict=True):
            module.training = mode
