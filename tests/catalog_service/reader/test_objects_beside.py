"""What frameworks leave beside a state is reported, not run; a pickled model is refused."""

import argparse
import enum
import functools
import sys
import types
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from catalog_service.reader.read_file import list_tensors, write_tensors
from catalog_service.reader.unreadable import FileUnreadable

STATE = OrderedDict(weight=torch.randn(3, 2), bias=torch.randn(3))


class Colour(enum.Enum):
    """Pickled as a call of its class."""

    RED = 1


@pytest.fixture
def dict_config(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A configuration as OmegaConf pickles it: an object with a parent, nodes and type hints."""
    module = types.ModuleType("omegaconf.dictconfig")

    class DictConfig:
        """Pickles by its attributes, as OmegaConf's does."""

        def __init__(self, content: dict[str, Any]) -> None:
            self.__dict__ |= {
                "_metadata": {"ref_type": Any, "element_type": Any, "key_type": str},
                "_content": {key: [value, self] for key, value in content.items()},
                "_flags_cache": defaultdict(list),
            }

    DictConfig.__module__, DictConfig.__qualname__ = module.__name__, "DictConfig"
    module.DictConfig = DictConfig  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "omegaconf", types.ModuleType("omegaconf"))
    monkeypatch.setitem(sys.modules, "omegaconf.dictconfig", module)
    yield DictConfig({"lr": 0.1, "betas": [0.9, 0.99]})


@pytest.mark.parametrize("is_zip", [True, False])
def test_a_checkpoint_of_a_framework_is_read_and_the_rest_is_named(
    tmp_path: Path, dict_config: Any, is_zip: bool
) -> None:
    checkpoint = {
        "state_dict": STATE,
        "epoch": np.int64(3),
        "best": np.float64(0.5),
        "curve": np.arange(4.0),
        "args": argparse.Namespace(lr=0.1, out=Path("/x"), colour=Colour.RED),
        "hyper_parameters": dict_config,
        "when": datetime(2026, 1, 1),
        "schedule": functools.partial(max, 1),
        "device": torch.device("cpu"),
        "dtype": torch.float16,
        "rng": torch.get_rng_state(),
        "sizes": {torch.Size([2, 3])},
    }
    path = tmp_path / "last.ckpt"
    torch.save(checkpoint, path, _use_new_zipfile_serialization=is_zip)

    listing = list_tensors(path)
    write_tensors(path, {name: name for name in STATE}, tmp_path / "out")

    found = load_file(tmp_path / "out")
    assert all(torch.equal(found[name], tensor) for name, tensor in STATE.items())
    assert {"weight", "bias"} == {tensor.name for tensor in listing.tensors}
    for named in (
        "args (argparse.Namespace)",
        "hyper_parameters (omegaconf.dictconfig.DictConfig)",
        "when (datetime.datetime)",
        "schedule (functools.partial)",
    ):
        assert named in listing.ignored
    with pytest.raises(Exception, match="Weights only load failed"):
        torch.load(path, weights_only=True)  # control: torch's own careful reader gives up


@pytest.mark.parametrize("is_zip", [True, False])
@pytest.mark.parametrize("wrap", [lambda model: model, lambda model: {"epoch": 1, "model": model}])
def test_a_pickled_model_is_refused_with_how_to_write_it_anew(
    tmp_path: Path, is_zip: bool, wrap: Any
) -> None:
    path = tmp_path / "whole.pth"
    torch.save(wrap(torch.nn.Linear(2, 2)), path, _use_new_zipfile_serialization=is_zip)

    with pytest.raises(FileUnreadable) as caught:
        list_tensors(path)

    assert "whole.pth: no state dictionary in it, but torch.nn.modules.linear.Linear" in (
        caught.value.message
    )
    assert "torch.save(model.state_dict(), path)" in caught.value.message


def test_a_torchscript_file_is_refused_with_how_to_write_it_anew(tmp_path: Path) -> None:
    path = tmp_path / "script.pt"
    with warnings.catch_warnings(action="ignore"):  # its own: TorchScript is old
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), path)

    with pytest.raises(FileUnreadable, match=r"torch\.jit\.load"):
        list_tensors(path)


@pytest.mark.parametrize("is_zip", [True, False])
def test_a_tensor_that_is_marked_negated_is_not_taken_for_the_numbers_stored(
    tmp_path: Path, is_zip: bool
) -> None:
    """`conj()` and its `imag` are marks: what lies in the file has the other sign."""
    numbers = [torch.randn(3, dtype=torch.complex64).conj() for _ in range(3)]
    path = tmp_path / "marked.pth"
    state = {**STATE, "conj": numbers[0], "neg": numbers[1].imag, "plain": numbers[2].real}
    torch.save(state, path, _use_new_zipfile_serialization=is_zip)

    listing = list_tensors(path)

    assert {tensor.name for tensor in listing.tensors} == {"weight", "bias", "plain"}
    assert [each.partition(" (")[0] for each in listing.ignored] == ["conj", "neg"]
    assert all("resolve_neg()" in each for each in listing.ignored)
