"""A model without numbers, described: its modules, parts, multiply-adds and memory. No torch.

Mirrors the messages of DescribeModel, field by field. `description/` makes these values,
`resolve/rendering` draws them.
"""

from dataclasses import dataclass
from typing import Self

from catalog_service.models.freeze_plan import FULL, FreezeMode
from catalog_service.models.layout import StateLayout
from catalog_service.models.plain_json import JsonObject, from_plain, to_plain
from catalog_service.models.recipe import Recipe

DEFAULT_BATCH_SIZE = 32
"""Images per step of the memory estimate where nobody says."""

MAX_BATCH_SIZE = 65_536
"""More images per step than this are taken for a mistake; the bytes of this many, of the largest
size, are still a number of 64 bits.
"""

DEFAULT_OPTIMIZER = "adamw"
DEFAULT_DTYPE = "F32"
"""Of the activations."""

Shape = tuple[int, ...]
"""Of a tensor, the batch dimension included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DescriptionOrder:
    """What to describe: the model, the image, and the training to estimate."""

    recipe: Recipe
    height_px: int
    width_px: int
    num_channels: int = 3
    num_frames: int = 0
    """Frames of a clip; 0 for images."""

    freeze_mode: FreezeMode = FULL
    batch_size: int = DEFAULT_BATCH_SIZE
    optimizer: str = DEFAULT_OPTIMIZER
    """A key of `OPTIMIZER_STATES`."""

    activation_dtype: str = DEFAULT_DTYPE
    """`F32`, `F16` or `BF16`."""

    def to_json(self) -> JsonObject:
        """Return the order as plain JSON."""
        plain: JsonObject = to_plain(self)
        return plain

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Return the order that `to_json` wrote."""
        return from_plain(cls, data)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleInfo:
    """A module of the tree."""

    path: str
    """`layer1.0.conv1`; empty for the root."""

    class_name: str
    role: str
    """Of everything inside; empty where that has several."""

    stage: str
    """The one that it belongs to; empty outside a backbone."""

    inputs: tuple[Shape, ...]
    """Of the first call; empty where it was not called."""

    outputs: tuple[Shape, ...]
    num_parameters: int
    """With everything inside, as the next two."""

    num_trainable_parameters: int
    num_multiply_adds: int
    """Of all calls."""

    summary: str
    """Its arguments in short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureMapInfo:
    """A place in a backbone where a feature map can be taken."""

    name: str
    """The stage after which it is taken."""

    stride_px: int
    """Pixels of the image per pixel of the map."""

    num_channels: int
    height_px: int
    width_px: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSummary:
    """A stage, the neck, the head or the auxiliary heads."""

    name: str
    role: str
    num_trainable_parameters: int
    num_frozen_parameters: int
    num_multiply_adds: int
    output: Shape
    """What leaves it; empty where that is not one tensor."""

    num_blocks_from_end: int
    """`last_blocks(k)` trains it and all that follow; 0 for what is no stage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryEstimate:
    """Memory of one training process, without what the framework itself takes."""

    parameter_bytes: int
    """Parameters and buffers."""

    gradient_bytes: int
    optimizer_bytes: int
    activation_bytes_per_image: int
    """What the backward pass needs."""

    transient_bytes_per_image: int
    """What one layer of the forward holds for a moment: the largest input and output."""

    batch_size: int
    basis: str
    """How it was estimated, for people."""

    @property
    def total_bytes(self) -> int:
        """Return the sum at the batch size."""
        fixed = self.parameter_bytes + self.gradient_bytes + self.optimizer_bytes
        per_image = self.activation_bytes_per_image + self.transient_bytes_per_image
        return fixed + self.batch_size * per_image


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDescription:
    """Everything that can be known without numbers."""

    layout: StateLayout
    modules: tuple[ModuleInfo, ...]
    """Depth first, the root first."""

    feature_maps: tuple[FeatureMapInfo, ...]
    """Finest first."""

    parts: tuple[PartSummary, ...]
    """From the image side; together they hold every parameter once."""

    freeze_mode: str
    num_parameters: int
    num_trainable_parameters: int
    num_frozen_parameters: int
    num_multiply_adds: int
    """Of one image, in evaluation."""

    training_memory: MemoryEstimate
    assumptions: tuple[str, ...]
    """What cannot be known without numbers."""

    def to_json(self) -> JsonObject:
        """Return the description as plain JSON."""
        plain: JsonObject = to_plain(self)
        return plain

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Return the description that `to_json` wrote."""
        return from_plain(cls, data)


OPTIMIZER_STATES = {"adamw": 2, "adam": 2, "sgd": 1}
"""Optimizer -> numbers that it keeps for each trained number.

Source: torch.optim.AdamW and Adam keep two averages, SGD with momentum one.
"""

ACTIVATION_BYTES = {"F32": 4, "F16": 2, "BF16": 2}
"""Dtype of the activations -> bytes of one."""

PARAMETER_BYTES = 4
"""Parameters, gradients and optimizer states stay in float32, whatever the activations are."""
