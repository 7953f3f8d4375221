"""Says what a file of tensors is, from names and shapes alone. Pure, no numbers.

`likely_trees` compares a few names of every architecture with the file, `judged` reads the best of
them name by name, and `identify` says which one it is, or what is in the way.
"""

from catalog_service.checkpoints.identify.identification import (
    Candidate,
    CheckpointAmbiguous,
    Identification,
    NotIdentified,
)
from catalog_service.checkpoints.identify.identify import DEFAULT_CANDIDATES, identify

__all__ = [
    "DEFAULT_CANDIDATES",
    "Candidate",
    "CheckpointAmbiguous",
    "Identification",
    "NotIdentified",
    "identify",
]
