"""What to train, with every default filled in. Checked before a value of these exists."""

from dataclasses import dataclass, field
from typing import Literal

from catalog_service.models.freeze_plan import FreezeMode, NormPolicy
from catalog_service.models.spec import ModelSpec

DatasetKind = Literal["image_folder", "bundled_digits"]
OptimizerAlgorithm = Literal["sgd", "adam", "adamw"]
AugmentationKind = Literal["none", "shift", "shift_and_flip"]

DEFAULT_LR = 1e-3
"""AdamW's usual start; the catalog of fine-tuning runs rarely needs another order of magnitude."""
DEFAULT_BATCH_SIZE = 32
DEFAULT_VALIDATION_RATIO = 0.2
DEFAULT_ADAMW_WEIGHT_DECAY = 0.01
"""Source: torch.optim.AdamW."""
DEFAULT_SGD_MOMENTUM = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSpec:
    """Where the images are, on the trainer's host."""

    kind: DatasetKind
    path: str = ""
    """Absolute; empty for bundled digits."""
    validation_path: str = ""
    """Empty means a split of `path`."""
    validation_ratio: float = DEFAULT_VALIDATION_RATIO
    split_seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerSpec:
    """How parameters move."""

    algorithm: OptimizerAlgorithm = "adamw"
    lr: float = DEFAULT_LR
    weight_decay: float = DEFAULT_ADAMW_WEIGHT_DECAY
    """Never applied to biases and normalisation weights."""
    momentum: float = 0.0
    """SGD only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSpec:
    """What a finished job leaves besides its files."""

    register_as: str = ""
    """Checkpoint id in the catalog; empty means: register nothing."""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """What to train. Immutable once the job exists."""

    display_name: str = ""
    model: ModelSpec
    """`pretrained` is never None here, and a task always has its class names or count."""
    freeze: FreezeMode
    norm: NormPolicy = "batch_statistics"
    dataset: DatasetSpec
    optimizer: OptimizerSpec = field(default_factory=OptimizerSpec)
    num_epochs: int
    batch_size: int = DEFAULT_BATCH_SIZE
    seed: int = 0
    augmentation: AugmentationKind = "none"
    export: ExportSpec = field(default_factory=ExportSpec)
