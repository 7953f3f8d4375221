"""What a loop is given, what it says meanwhile, and what it gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import nn

from catalog_service.models.freeze_plan import FreezePlan
from catalog_service.models.layout import StateLayout
from trainer_service.datasets.batch import Batches
from trainer_service.freezing import Seal
from trainer_service.jobs import (
    EpochMetrics,
    Evaluated,
    Evaluation,
    JobMessage,
    JobSpec,
    JobWarning,
    PhaseStarted,
    SnapshotFailed,
    SnapshotTaken,
    StepMetrics,
    TrainPlan,
)
from trainer_service.tasks.task import Task
from trainer_service.train.ranks import ALONE, Ranks

TrainEvent = (
    StepMetrics
    | EpochMetrics
    | PhaseStarted
    | Evaluated
    | JobMessage
    | JobWarning
    | SnapshotTaken
    | SnapshotFailed
)

PhaseSource = Callable[[FreezePlan], tuple[nn.Module, Batches]]
"""Gives what learns under a freeze plan, and its batches: the model and its images, or what is
behind the frozen part and features that were computed once. Called when the model is frozen and in
training mode; the network shares the model's modules and parameters.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """Everything that the loop needs, ready to run: the model is frozen for the first phase."""

    model: nn.Module
    task: Task
    batches: Batches
    spec: JobSpec
    plan: TrainPlan
    device: torch.device
    layout: StateLayout
    source: PhaseSource | None = None
    """None is the model and its images, in every phase."""
    auxiliary: nn.Module | None = None
    """What trains along and is thrown away, such as SimCLR's projection."""
    ranks: Ranks = ALONE
    """With whom it trains; its batches are this rank's part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What the model holds after the loop."""

    epoch: int
    """Whose state it is: the last one's, or the best one's."""
    step: int
    metrics: Mapping[str, float]
    """Of that epoch: `train/loss`, `validation/accuracy`."""
    evaluation: Evaluation
    """Of the validation images, class by class."""
    seal: Seal
    """Of what no phase moved up to the last one."""
