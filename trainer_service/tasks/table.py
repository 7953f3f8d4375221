"""Which task a model's output is for. A new task is one file and one line here."""

from collections.abc import Callable, Mapping

import torch

from catalog_service.models.contracts import OutputContract
from trainer_service.tasks.classification import Classification
from trainer_service.tasks.task import Task


def _classification(output: OutputContract, device: torch.device) -> Task:
    return Classification(output.shape[0], device)


TASKS: Mapping[str, Callable[[OutputContract, torch.device], Task]] = {"logits": _classification}
"""By the output contract's kind."""


def task_for(output: OutputContract, device: torch.device) -> Task:
    """Return the task that this output is for."""
    return TASKS[output.kind](output, device)
