"""What a finished job leaves, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

ExportFileKind = Literal[
    "backbone_safetensors",
    "backbone_ckpt",
    "model_safetensors",
    "metadata",
    "metrics_csv",
    "curves_png",
    "tensorboard_events",
    "sample_png",
]

SamplePanel = Literal["image", "truth", "prediction"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassColor:
    """How a class is drawn."""

    class_name: str
    color: str
    """`#4363d8`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionSample:
    """What the picture of a validation image shows, in words."""

    image: str
    """What the data calls the image."""
    truth: str
    prediction: str
    is_right: bool | None = None
    """None where an answer is more or less right."""
    is_among_worst: bool = False
    """False for one that was chosen by lot."""
    panels: tuple[SamplePanel, ...]
    """From left to right, of the same width."""
    gap_px: int
    """Between two panels."""
    width_px: int
    height_px: int
    """Of the picture."""
    legend: tuple[ClassColor, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFile:
    """One exported file, as the worker read it back."""

    kind: ExportFileKind
    path: str
    digest: str = ""
    """`sha256:<hex>`; the trainer's blob store takes no other bytes under it."""
    size_bytes: int = 0
    sample: PredictionSample | None = None
    """Of `sample_png`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What a finished job left."""

    number: int = 1
    architecture_id: str
    backbone_digest: str
    state_digest: str
    files: tuple[ExportFile, ...]
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Of the exported state, such as `validation/accuracy`."""
    checkpoint: str = ""
    """`checkpoints/letters` where it was registered."""
    create_time: float = 0.0
    """Unix seconds."""
    epoch: int = 0
    """Whose numbers these are."""
