"""What a job will do, computed from values alone: no image is opened, no tensor exists yet.

PlanTrainJob shows this plan and the worker follows it, so both must come from here. No torch.
"""

from trainer_service.plan.epoch_steps import (
    drops_last_images,
    num_steps_per_epoch,
    training_batch_norms,
)
from trainer_service.plan.optimizer_groups import (
    DECAYED,
    UNDECAYED,
    is_decayed,
    optimizer_groups,
)
from trainer_service.plan.train_plan import train_plan

__all__ = [
    "DECAYED",
    "UNDECAYED",
    "drops_last_images",
    "is_decayed",
    "num_steps_per_epoch",
    "optimizer_groups",
    "train_plan",
    "training_batch_norms",
]
