"""Pictures of what the trained model makes of a few images. A job never fails for want of them."""

from collections.abc import Mapping
from pathlib import Path

import torch

from trainer_service.datasets.batch import Positions
from trainer_service.datasets.batches import as_batch
from trainer_service.datasets.read import Dataset
from trainer_service.jobs import JobWarning, PredictionSample
from trainer_service.run_job.ordered_data import Emit
from trainer_service.sample_pictures import Looked, draw_samples
from trainer_service.stop_switch import StopRequested, StopSwitch
from trainer_service.train.precision import Passes
from trainer_service.train.training import Training

Samples = Mapping[Path, PredictionSample]


def drawn_samples(
    folder: Path, training: Training, dataset: Dataset, emit: Emit, stop: StopSwitch
) -> Samples:
    """Return the pictures by their files; none, and a warning, where they cannot be drawn.

    Args:
        training: over; its model holds what is exported, in evaluation mode.

    Raises:
        StopRequested: a stop was asked for meanwhile.
    """
    passes = Passes(training.spec.precision, training.device)

    @torch.no_grad()
    def look(positions: Positions) -> Looked:
        stop.check()
        loaded = dataset.validation.read(positions)
        batch = as_batch(loaded, training.plan.input, training.device)
        with passes.forward():
            learned = training.task.judge(training.model, batch)
        return Looked(loaded=loaded, outputs=learned.outputs)

    try:
        return draw_samples(folder, training.plan, dataset.examples, look)
    except StopRequested:
        raise
    except Exception as error:  # a picture for people: whatever is wrong with it, the model is not
        told = f"{type(error).__name__}: {error}"
        text = f"no pictures of sample predictions are exported ({told}): the job goes on without"
        emit(JobWarning(code="SAMPLES_MISSING", text=text))
        return {}
