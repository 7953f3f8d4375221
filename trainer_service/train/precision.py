"""Forward and backward in the numbers of the job: 32 bits, bfloat16, or float16 with a scaler."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from trainer_service.jobs.learning_spec import Precision

DTYPES: dict[Precision, torch.dtype | None] = {
    "fp32": None,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}
"""What matrix products and convolutions compute in; None leaves them as they are."""


WHOLE = ("growth_interval", "_growth_tracker")
"""Of the scaler's numbers. Source: torch.amp.GradScaler.state_dict."""


class Passes:
    """How a network is run forward, backward, and moved. Parameters stay in 32 bits.

    Source: Micikevicius et al. 2018, arXiv:1710.03740 (the scaled loss); torch.amp.
    """

    def __init__(self, precision: Precision, device: torch.device) -> None:
        self._dtype = DTYPES[precision]
        self._device = device.type
        self._scaler = _scaler_on(device) if self._dtype is torch.float16 else None

    def forward(self) -> AbstractContextManager[object]:
        """Return what a forward pass runs inside of."""
        if self._dtype is None:
            return nullcontext()
        return torch.autocast(self._device, dtype=self._dtype)

    def backward(self, loss: Tensor) -> None:
        """Add the loss's gradients to the parameters'."""
        scaled = loss if self._scaler is None else self._scaler.scale(loss)
        scaled.backward()  # type: ignore[no-untyped-call]

    def move(self, optimizer: torch.optim.Optimizer, max_grad_norm: float) -> None:
        """Move the parameters once; gradients longer than `max_grad_norm` together are cut to it.

        Args:
            max_grad_norm: 0 cuts nothing.
        """
        if max_grad_norm:
            if self._scaler is not None:
                self._scaler.unscale_(optimizer)
            held = [each for group in optimizer.param_groups for each in group["params"]]
            clip_grad_norm_(held, max_grad_norm)
        if self._scaler is None:
            optimizer.step()
        else:
            self._scaler.step(optimizer)
            self._scaler.update()

    def state(self) -> Mapping[str, float]:
        """Return what the scaler goes on from, in torch's words; empty where there is none."""
        return {} if self._scaler is None else self._scaler.state_dict()

    def go_on(self, saved: Mapping[str, float]) -> None:
        """Go on from there."""
        if self._scaler is not None:
            self._scaler.load_state_dict(
                {name: int(value) if name in WHOLE else value for name, value in saved.items()}
            )


def _scaler_on(device: torch.device) -> torch.amp.GradScaler:
    """Return a scaler that has its scale: torch makes it at the first backward pass, and a rank may
    have no image of the first batch after it went on.
    """
    scaler = torch.amp.GradScaler(device.type)
    scaler.scale(torch.zeros((), device=device))
    return scaler
