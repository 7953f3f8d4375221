"""How is learned: loss, optimizer, schedule, augmentation, precision, with every default filled in.

Mirrors `vertebra.trainer.v1` learning.proto, field by field. No torch.
"""

from dataclasses import dataclass, field
from typing import Literal

OptimizerAlgorithm = Literal["sgd", "adam", "adamw", "lars"]
LrRule = Literal["absolute", "per_256_images", "square_root"]
LossKind = Literal[
    "", "cross_entropy", "bce", "dice", "bce_dice", "cross_entropy_dice", "mse", "l1", "smooth_l1",
    "detector", "nt_xent",
]  # fmt: skip
"""Empty is the task's usual one. The last two are no choice: detectors and SimCLR have no other."""
ClassWeightRule = Literal["none", "balanced", "effective", "explicit"]
ScheduleKind = Literal["constant", "cosine", "linear"]
Precision = Literal["fp32", "bf16", "fp16"]
CompilePolicy = Literal["never", "where_it_pays", "always"]
FitKind = Literal["", "crop", "stretch"]
CachePolicy = Literal["where_exact", "never", "required"]
ExportedState = Literal["last", "best"]
StepKind = Literal[
    "random_resized_crop", "horizontal_flip", "vertical_flip", "shift", "rotation", "color_jitter",
    "grayscale", "gaussian_blur",
]  # fmt: skip

DEFAULT_LR = 1e-3
"""AdamW's usual start; the catalog of fine-tuning runs rarely needs another order of magnitude."""
DEFAULT_LARS_LR = 0.3
"""Per 256 images. Source: SimCLR, arXiv:2002.05709, section 2.2."""
DEFAULT_ADAMW_WEIGHT_DECAY = 0.01
"""Source: torch.optim.AdamW."""
DEFAULT_LARS_WEIGHT_DECAY = 1e-6
"""Source: SimCLR, arXiv:2002.05709, section 2.2."""
DEFAULT_MOMENTUM = 0.9
DEFAULT_IGNORE_INDEX = 255
"""Source: PASCAL VOC's masks; torchvision's segmentation references."""
MAX_IGNORE_INDEX = 32_767
"""Masks are kept in 16 bits, with a sign."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerSpec:
    """How parameters move."""

    algorithm: OptimizerAlgorithm = "adamw"
    lr: float = DEFAULT_LR
    """As it was asked for; `lr_rule` says what it means."""
    weight_decay: float = DEFAULT_ADAMW_WEIGHT_DECAY
    """Never applied to biases, norms, position tables and tokens."""
    momentum: float = 0.0
    """SGD and LARS."""
    lr_rule: LrRule = "absolute"
    backbone_lr_ratio: float = 1.0
    layer_decay: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassWeights:
    """How much each class counts."""

    rule: ClassWeightRule = "none"
    weights: tuple[float, ...] = ()
    """One per class; filled in by the plan for every rule but `none`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LossSpec:
    """What is minimised. An empty kind is the task's usual one; a plan never has an empty kind."""

    kind: LossKind = ""
    label_smoothing: float = 0.0
    class_weights: ClassWeights = field(default_factory=ClassWeights)
    ignore_index: int = DEFAULT_IGNORE_INDEX


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSpec:
    """How the learning rate changes over the steps."""

    kind: ScheduleKind = "constant"
    warmup_steps: int = 0
    warmup_epochs: float = 0.0
    final_lr_ratio: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyStopping:
    """When a job ends before its last epoch."""

    metric: str = ""
    """Of the validation images; empty means the task's main one."""
    patience_epochs: int = 1
    min_delta: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SimClrSpec:
    """Self-supervised training. Source: Chen et al. 2020, arXiv:2002.05709."""

    temperature: float = 0.5
    projection_units: tuple[int, ...] = ()
    """Empty means the width of the features, then 128."""
    num_neighbours: int = 20
    ignore_collapse: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PreprocessingSpec:
    """What is done to every image; fields that are not set are the weight's own."""

    fit: FitKind = ""
    resize_shorter_side_px: int = 0
    interpolation: str = ""
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AugmentationStep:
    """One random change. Which fields mean something follows from the kind; defaults filled in."""

    kind: StepKind
    probability: float = 1.0
    scale: tuple[float, float] = (0.08, 1.0)
    """random_resized_crop: share of the area."""
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    """random_resized_crop: width over height."""
    max_share: float = 1 / 8
    """shift: of the side."""
    max_degrees: float = 0.0
    """rotation."""
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    sigma_px: tuple[float, float] = (0.1, 2.0)
    """gaussian_blur."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureCacheSpec:
    """Whether the frozen part's output is computed once and kept."""

    policy: CachePolicy = "where_exact"
    num_views: int = 0
    """0 keeps no varying images."""


SHIFT = (AugmentationStep(kind="shift"),)
SHIFT_AND_FLIP = (*SHIFT, AugmentationStep(kind="horizontal_flip", probability=0.5))

SIMCLR_STEPS = (
    AugmentationStep(kind="random_resized_crop"),
    AugmentationStep(kind="horizontal_flip", probability=0.5),
    AugmentationStep(
        kind="color_jitter", probability=0.8, brightness=0.8, contrast=0.8, saturation=0.8, hue=0.2
    ),
    AugmentationStep(kind="grayscale", probability=0.2),
    AugmentationStep(kind="gaussian_blur", probability=0.5),
)
"""Source: SimCLR, arXiv:2002.05709, appendix A."""
