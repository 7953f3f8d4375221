"""torchvision's own pretrained build without a download: its loader is patched.

It gives nothing where only the structure matters, or a file of this machine.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import nn
from torchvision.models import WeightsEnum


@contextmanager
def no_loading() -> Iterator[None]:
    """Let `get_state_dict` give nothing and `load_state_dict` take nothing."""
    get_state_dict, load_state_dict = WeightsEnum.get_state_dict, nn.Module.load_state_dict

    def give_nothing(self: WeightsEnum, *args: Any, **kwargs: Any) -> dict[str, torch.Tensor]:
        return {}

    def take_nothing(self: nn.Module, *args: Any, **kwargs: Any) -> None:
        return None

    WeightsEnum.get_state_dict = give_nothing
    nn.Module.load_state_dict = take_nothing  # type: ignore[method-assign]
    try:
        yield
    finally:
        WeightsEnum.get_state_dict = get_state_dict
        nn.Module.load_state_dict = load_state_dict  # type: ignore[method-assign]


@contextmanager
def loading_from(path: Path) -> Iterator[None]:
    """Let `get_state_dict` read the file at `path` in place of the weight's own url."""
    get_state_dict = WeightsEnum.get_state_dict

    def read(self: WeightsEnum, *args: Any, **kwargs: Any) -> dict[str, torch.Tensor]:
        state: dict[str, torch.Tensor] = torch.load(path, weights_only=True)
        return state

    WeightsEnum.get_state_dict = read
    try:
        yield
    finally:
        WeightsEnum.get_state_dict = get_state_dict


def pretrained_build(architecture_id: str, weights: str) -> nn.Module:
    """Return what `torchvision.models.get_model(name, weights=...)` builds, without numbers."""
    with no_loading():
        module: nn.Module = torchvision.models.get_model(architecture_id, weights=weights)
    return module
