"""Which task a plan is for. A new task is one file and one line here."""

from collections.abc import Mapping
from pkgutil import resolve_name

import torch

from trainer_service.jobs import TrainPlan
from trainer_service.tasks.task import Task

TASKS: Mapping[str, str] = {
    "classification": "trainer_service.tasks.classification:Classification",
    "multilabel": "trainer_service.tasks.multilabel:Multilabel",
    "regression": "trainer_service.tasks.regression:Regression",
    "segmentation": "trainer_service.tasks.segmentation:Segmentation",
    "detection": "trainer_service.tasks.detection:Detection",
    "instance_segmentation": "trainer_service.tasks.detection:Detection",
    "keypoints": "trainer_service.tasks.detection:Detection",
}
"""By the plan's task; each takes the plan and the device. Only what a job needs is imported: the
metrics of some take longer to import than a small job to train."""


def task_for(plan: TrainPlan, device: torch.device) -> Task:
    """Return the task of a plan."""
    task: Task = resolve_name(TASKS[plan.task])(plan, device)
    return task
