"""What must be so at the ends of a training: metrics that somebody waits for, numbers that are."""

import math
from collections.abc import Mapping

import torch

from catalog_service.errors import InvalidRequest, listed
from trainer_service.errors import LossNotFinite
from trainer_service.train.progress import remedy
from trainer_service.train.training import Training


def require_metrics(
    training: Training, values: Mapping[str, float], *, early: str, main: str
) -> None:
    """Raise InvalidRequest before the first step if the job waits for what nobody computes.

    Args:
        values: of a validation.
        early: the metric of early stopping.
        main: the plan's.
    """
    spec, plan = training.spec, training.plan
    wanted = {early} if spec.early_stopping else set()
    if spec.export.state == "best" or any(each.after_plateau_epochs for each in plan.phases):
        wanted.add(main)
    if missing := wanted - values.keys():
        raise InvalidRequest(
            f"no validation metric {listed(sorted(missing))}; of the validation images there"
            f" are {', '.join(values)}"
        )


def require_finite(training: Training, validation_loss: float) -> None:
    """Raise LossNotFinite if the trained model is no model: no loss was computed after the last
    step, so nothing else would tell.
    """
    state = training.model.state_dict()
    lost = [name for name, tensor in state.items() if not bool(torch.isfinite(tensor).all())]
    if lost:
        raise LossNotFinite(
            f"after the last step {len(lost)} of {len(state)} tensors are not finite"
            f" ({listed(lost)}): {remedy(training.spec)}"
        )
    if not math.isfinite(validation_loss):
        raise LossNotFinite(
            f"the trained model's validation loss is {validation_loss}: {remedy(training.spec)}"
        )
