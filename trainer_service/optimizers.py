"""The optimizer of a phase: what the plan's groups name, and nothing else.

Everything goes by name. What goes on training in a new phase keeps what the optimizer remembers of
it (momentum, Adam's averages); what stops training leaves the optimizer with its memory: an AdamW
that still holds a weight moves it without any gradient.
"""

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor, nn

from trainer_service.jobs import OptimizerGroup, OptimizerSpec
from trainer_service.plan import DECAYED

Groups = list[dict[str, object]]
Parameters = Mapping[str, nn.Parameter]

ONE_KERNEL = True
"""All of a step in one kernel per parameter, on CUDA and on the CPU: the same numbers each run,
and 3 to 4 times faster here than torch's default loop of small operations.

Source: torch.optim.AdamW, `fused`.
"""


def _sgd(groups: Groups, spec: OptimizerSpec) -> torch.optim.Optimizer:
    """Return SGD whose momentum is 0 from the start, not whatever is in memory: its kernel wants
    that of all parameters or of none, and where a scaler skips its first step, writes none.
    """
    optimizer = torch.optim.SGD(groups, lr=spec.lr, momentum=spec.momentum, fused=ONE_KERNEL)
    for group in optimizer.param_groups if spec.momentum else ():
        for parameter in group["params"]:
            optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
    return optimizer


def _adam(groups: Groups, spec: OptimizerSpec) -> torch.optim.Optimizer:
    return torch.optim.Adam(groups, lr=spec.lr, fused=ONE_KERNEL)


def _adamw(groups: Groups, spec: OptimizerSpec) -> torch.optim.Optimizer:
    return torch.optim.AdamW(groups, lr=spec.lr, fused=ONE_KERNEL)


def _lars(groups: Groups, spec: OptimizerSpec) -> torch.optim.Optimizer:
    """Return LARS: weights by their trust ratio, whatever their decay; biases and norms as SGD.

    Source: SimCLR, arXiv:2002.05709, appendix B.6; You et al. 2017, arXiv:1708.03888.
    """
    from timm.optim.lars import Lars  # imports all of timm: only for those who ask for it

    adapted = [{**group, "always_adapt": str(group["name"]).endswith(DECAYED)} for group in groups]
    optimizer: torch.optim.Optimizer = Lars(adapted, lr=spec.lr, momentum=spec.momentum)
    return optimizer


OPTIMIZERS: Mapping[str, Callable[[Groups, OptimizerSpec], torch.optim.Optimizer]] = {
    "sgd": _sgd,
    "adam": _adam,
    "adamw": _adamw,
    "lars": _lars,
}
"""A new algorithm is one function and one line. Weight decay is set per group."""


def named_parameters(model: nn.Module, auxiliary: nn.Module | None = None) -> Parameters:
    """Return the parameters of both by the names that plans use."""
    beside = dict(auxiliary.named_parameters()) if auxiliary is not None else {}
    return {**dict(model.named_parameters()), **beside}


def make_optimizer(
    parameters: Parameters,
    groups: Iterable[OptimizerGroup],
    spec: OptimizerSpec,
    *,
    before: torch.optim.Optimizer | None = None,
) -> torch.optim.Optimizer:
    """Return an optimizer over exactly the parameters that the groups name.

    Args:
        parameters: all there are, by name.
        before: the optimizer of the phase before; its memory of what goes on is carried over.
    """
    made: Groups = [
        {
            "params": [parameters[name] for name in group.parameters],
            "lr": group.lr,
            "planned_lr": group.lr,
            "weight_decay": group.weight_decay,
            "name": group.name,
        }
        for group in groups
    ]
    optimizer = OPTIMIZERS[spec.algorithm](made, spec)
    if before is not None:
        _carry(before, optimizer)
    return optimizer


def remembered(optimizer: torch.optim.Optimizer, parameters: Parameters) -> Mapping[str, Tensor]:
    """Return what the optimizer remembers: `<parameter>:<what>`, such as `fc.weight:exp_avg`."""
    names: dict[Tensor, str] = {each: name for name, each in parameters.items()}
    return {
        f"{names[parameter]}:{what}": value
        for parameter, state in optimizer.state.items()
        for what, value in state.items()
        if value is not None
    }


@torch.no_grad()
def remember(
    optimizer: torch.optim.Optimizer, parameters: Parameters, saved: Mapping[str, Tensor]
) -> None:
    """Let the optimizer remember that, as if it had made the steps itself.

    Raises:
        KeyError: there is no such parameter.
    """
    for key, value in saved.items():
        name, _, what = key.rpartition(":")
        parameter = parameters[name]
        is_alike = value.shape == parameter.shape
        # In the parameter's own order: one kernel goes over both.
        kept = torch.empty_like(parameter if is_alike else value, dtype=value.dtype)
        optimizer.state[parameter][what] = kept.to(parameter.device).copy_(value)


def scale_lr(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Set every group's learning rate to this share of the planned one."""
    for group in optimizer.param_groups:
        group["lr"] = group["planned_lr"] * factor


def largest_lr(optimizer: torch.optim.Optimizer) -> float:
    """Return the learning rate of what learns fastest: the head's."""
    return max(float(group["lr"]) for group in optimizer.param_groups)


def _carry(before: torch.optim.Optimizer, after: torch.optim.Optimizer) -> None:
    """Give `after` what `before` remembers of the parameters that both hold."""
    for group in after.param_groups:
        for parameter in group["params"]:
            if parameter in before.state:
                after.state[parameter] = before.state[parameter]
    before.state.clear()
