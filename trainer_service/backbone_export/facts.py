"""What is known of a trained model besides its numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from trainer_service.jobs import DataReport, Evaluation, PredictionSample, TrainPlan, WorkOrder
from trainer_service.jobs.exports import ExportFileKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFacts:
    """What a reader of an export is told."""

    order: WorkOrder
    plan: TrainPlan
    fingerprint: str
    """Of the data."""
    metrics: Mapping[str, float]
    """Of the exported numbers, such as `validation/accuracy`."""
    epoch: int = 0
    """Whose numbers these are; 0 where nobody counted."""
    evaluation: Evaluation | None = None
    report: DataReport | None = None
    views: Mapping[ExportFileKind, Path] = field(default_factory=dict)
    """Files about the run, finished; copies of them lie beside the numbers."""
    samples: Mapping[Path, PredictionSample] = field(default_factory=dict)
    """Pictures of what the model makes of some images; copies of them lie there, too."""
