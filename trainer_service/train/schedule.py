"""The learning rate's course over the steps. Pure: a function of the step alone."""

import math

from trainer_service.jobs import ScheduleSpec


def lr_factor(step: int, schedule: ScheduleSpec, *, warmup_steps: int, num_steps: int) -> float:
    """Return what the planned learning rate is multiplied with.

    Args:
        step: counted from 1, over the whole job.
        warmup_steps: the share grows in a straight line and is whole at this step.
        num_steps: the last step, which has the share `final_lr_ratio`.

    Source: Goyal et al. 2017, arXiv:1706.02677 (warm-up); Loshchilov and Hutter 2017,
    arXiv:1608.03983 (cosine).
    """
    if step <= warmup_steps:
        return step / warmup_steps
    first = max(warmup_steps, 1)
    passed = (step - first) / (num_steps - first) if num_steps > first else 1.0
    return _course(schedule, min(max(passed, 0.0), 1.0))


def _course(schedule: ScheduleSpec, passed: float) -> float:
    """Return the share after this part, from 0 to 1, of the steps that follow the warm-up."""
    last = schedule.final_lr_ratio
    if schedule.kind == "cosine":
        return last + (1 - last) * (1 + math.cos(math.pi * passed)) / 2
    if schedule.kind == "linear":
        return last + (1 - last) * (1 - passed)
    return 1.0
