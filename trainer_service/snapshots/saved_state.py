"""What a training is between two steps, as values: tensors by name, and everything else."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from catalog_service.models.plain_json import JsonObject
from trainer_service.jobs import EpochMetrics, Evaluation

Tensors = Mapping[str, Tensor]

MODEL, AUXILIARY, OPTIMIZER, BEST, COUNTED, RANDOM = (
    "model",
    "auxiliary",
    "optimizer",
    "best",
    "counted",
    "random",
)
"""Groups of tensors, each a file of its own: what of the model has moved; what trains besides it;
what the optimizer remembers, `<parameter>:<what>`; the best epoch's model; what the training
metrics of the epoch have counted; random number generators, by device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedRecord:
    """How good a training was so far, in one metric."""

    best: float
    """With its sign changed where less is better; -inf before the first."""
    num_epochs_since: int
    num_epochs_skipped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedSize:
    """How many images went through the model together."""

    size: int
    was_halved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedBest:
    """What would be exported if training ended here; the model is in the group BEST."""

    epoch: int
    step: int
    metrics: Mapping[str, float]
    evaluation: Evaluation | None = None
    has_state: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a training is."""

    plan_digest: str
    """Of what training must have in common to go on from here."""
    data_fingerprint: str = ""
    step: int
    """Optimizer steps that are done."""
    epoch: int
    """Epochs that are done, validated where they are to be."""
    phase: int
    """Counted from 1."""
    phase_of_epoch: int
    """In which the epoch began that runs now."""
    is_over: bool = False
    """Nothing is left but to finish."""
    is_best: bool = False
    """Whether the model is that of the best validated epoch."""
    learned: SavedSize
    judged: SavedSize
    main: SavedRecord
    early: SavedRecord
    best: SavedBest | None = None
    validated: EpochMetrics
    """The last validation."""
    evaluation: Evaluation | None = None
    """The same class by class; only where training is over."""
    scaler: Mapping[str, float] = field(default_factory=dict)
    """torch's own words."""
    sealed: Mapping[str, str] = field(default_factory=dict)
    """sha256 by name, of what stood still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedState:
    """A training between two steps."""

    progress: Progress
    tensors: Mapping[str, Tensors]
    """By group; those of the training itself, not copies of them."""
    views: JsonObject = field(default_factory=dict)
    """What the views of the run have shown."""
