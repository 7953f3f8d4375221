"""What a finished job leaves: the backbone in two formats, the whole model, and what is known.

Nothing counts as saved before it was read back from the disk, loaded strictly into a fresh model
and compared with the trained one. Until then it lies under a temporary name.
"""

from trainer_service.backbone_export.export import export_backbone
from trainer_service.backbone_export.facts import ExportFacts
from trainer_service.backbone_export.probe import probe_of
from trainer_service.backbone_export.state_files import (
    BACKBONE_CKPT,
    BACKBONE_SAFETENSORS,
    METADATA,
    MODEL_SAFETENSORS,
)

__all__ = [
    "BACKBONE_CKPT",
    "BACKBONE_SAFETENSORS",
    "METADATA",
    "MODEL_SAFETENSORS",
    "ExportFacts",
    "export_backbone",
    "probe_of",
]
