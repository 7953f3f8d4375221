"""The one way in which self-supervised training fails without a word: every image gets the same
projection, the loss stands still at guessing, and the backbone is worth nothing.
"""

from trainer_service.jobs import EpochMetrics, TrainPlan

SMALLEST_SPREAD = 0.05
"""Of projections of length 1 about their mean: below it all cosines are above 0.9975, so nothing
can be told apart at any usual temperature. Healthy runs have 0.5 and more after an epoch."""

FIRST_EPOCH = 2
"""Random networks start with projections that lie close together."""


FIRST_STEP = 50
"""Validation sees running statistics, which follow with momentum 0.1: after 50 steps half a per
cent of where they began is left. Before, an untrained network's features drown in them, and healthy
runs of a few steps an epoch look collapsed."""


def collapse_in(event: EpochMetrics, plan: TrainPlan) -> str:
    """Return in words how the projections have collapsed; empty where they have not, and for
    everything but the validations of SimCLR after its warm-up.
    """
    spread = event.values.get("spread")
    is_early = event.epoch < FIRST_EPOCH or event.step <= max(plan.warmup_steps, FIRST_STEP)
    if plan.task != "simclr" or event.split != "validation" or spread is None or is_early:
        return ""
    if spread >= SMALLEST_SPREAD:
        return ""
    return (
        f"the projections of all validation images are nearly the same after epoch {event.epoch}"
        f" (spread {spread:.3g}, collapsed below {SMALLEST_SPREAD:g}): lower the learning rate"
        f" (now {plan.optimizer.lr:g}) or warm up longer, use larger batches, or raise the"
        " temperature; ignore_collapse lets the job run on"
    )
