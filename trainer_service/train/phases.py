"""Parts of a training: what trains, who moves it, and where its batches come from."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from trainer_service.jobs import PhasePlan, TrainPlan
from trainer_service.train.records import Record


def phases_of(plan: TrainPlan) -> tuple[PhasePlan, ...]:
    """Return the plan's phases, at least one."""
    only = PhasePlan(freeze=plan.freeze, optimizer_groups=plan.optimizer_groups)
    return plan.phases or (only,)


def reason_to_begin(phase: PhasePlan, *, epoch: int, step: int, record: Record) -> str:
    """Return why this phase, the next one, begins now, or nothing.

    Args:
        epoch: how many are done, of the whole job; so many as `step` says within.
        record: of the main metric; its epochs are counted from the start of the phase before.
    """
    if phase.after_steps and step >= phase.after_steps:
        return f"after {phase.after_steps} steps"
    if phase.after_epochs and epoch >= phase.after_epochs:
        return f"after {_epochs(phase.after_epochs)}"
    if phase.after_plateau_epochs and record.num_epochs_since >= phase.after_plateau_epochs:
        return str(record)
    return ""


def _epochs(count: int) -> str:
    return f"{count} epoch" if count == 1 else f"{count} epochs"


def steps_until(phases: Sequence[PhasePlan], step: int, end: int) -> int:
    """Return how many steps are left until a phase begins that counts steps, or until `end`."""
    begins = [phase.after_steps for phase in phases if step < phase.after_steps < end]
    return min(begins, default=end) - step


@dataclass(slots=True, kw_only=True)
class Phase:
    """One part of a training while it runs."""

    number: int
    """Counted from 1."""
    plan: PhasePlan
    optimizer: torch.optim.Optimizer
    network: nn.Module
    """What learns: the model, or what is behind its cached features."""
    is_new: bool = True
    """Until the first step showed that every parameter got a gradient."""
