"""Models of ours: any backbone, a neck, and torchvision's heads. Imports torch."""

from catalog_service.models.composed.compose_model import compose_model

__all__ = ["compose_model"]
