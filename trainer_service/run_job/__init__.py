"""A job from its order to its export: the rooms of the learning side, put together.

Not for: anything of its own. What is read, learned, kept or exported is in the rooms.
"""

from trainer_service.run_job.learning import (
    image_batches,
    make_training,
    recalibrate_norms,
    run_loop,
)
from trainer_service.run_job.ordered_data import make_plan, read_data
from trainer_service.run_job.ordered_model import load_model, prepare_device
from trainer_service.run_job.whole_job import run_job

__all__ = [
    "image_batches",
    "load_model",
    "make_plan",
    "make_training",
    "prepare_device",
    "read_data",
    "recalibrate_norms",
    "run_job",
    "run_loop",
]
