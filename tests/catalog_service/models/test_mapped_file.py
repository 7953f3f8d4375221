"""Mapped tensors are like any others to who saves, copies or frees them."""

import copy
import gc
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor

from catalog_service.models.mapped_file import map_tensors

STATE = {
    "weight": torch.arange(32, dtype=torch.float32).view(4, 8),
    "half": torch.ones(16, dtype=torch.bfloat16),
    "count": torch.tensor(7),
    "none": torch.zeros(0, 3),
}
Save = Callable[[dict[str, Tensor], Path], dict[str, Tensor]]


@pytest.fixture
def mapped(tmp_path: Path) -> dict[str, Tensor]:
    """The state, mapped from a file that has no name any more."""
    path = tmp_path / "state.safetensors"
    safetensors.torch.save_file(STATE, path)
    found = map_tensors(path)
    path.unlink()
    return found


def by_torch(state: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Save and read as most people do."""
    torch.save(state, path)
    read: dict[str, Tensor] = torch.load(path, weights_only=True)
    return read


def by_safetensors(state: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Save and read with safetensors' own functions."""
    safetensors.torch.save_file(state, path)
    return safetensors.torch.load_file(path)


def by_copy(state: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Copy, as a moving average of a model does."""
    return copy.deepcopy(state)


@pytest.mark.parametrize("save", [by_torch, by_safetensors, by_copy])
def test_mapped_tensors_can_be_saved_and_copied_in_every_way(
    mapped: dict[str, Tensor], tmp_path: Path, save: Save
) -> None:
    read = save(mapped, tmp_path / "saved")

    assert {name: tensor.dtype for name, tensor in read.items()} == {
        name: tensor.dtype for name, tensor in STATE.items()
    }
    assert all(torch.equal(read[name], tensor) for name, tensor in STATE.items())


def test_a_tensor_has_its_own_bytes_alone(mapped: dict[str, Tensor]) -> None:
    assert mapped["weight"].untyped_storage().nbytes() == STATE["weight"].nbytes


def test_a_tensor_outlives_the_others(mapped: dict[str, Tensor]) -> None:
    last = mapped.pop("weight")
    mapped.clear()
    gc.collect()

    assert torch.equal(last, STATE["weight"])
