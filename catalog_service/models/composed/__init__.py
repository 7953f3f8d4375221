"""Models of ours: any backbone, a neck, and torchvision's heads. Imports torch.

A new head is one function in a file here, one line in `compose_model.COMPOSERS`, one placement and
one rule in `compositions.py`.
"""

from catalog_service.models.composed.compose_model import compose_model

__all__ = ["compose_model"]
