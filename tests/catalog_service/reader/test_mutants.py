"""Files with a few bytes changed at random: read or refused in words, and nothing in them runs."""

import io
import os
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from catalog_service.errors import VertebraError
from catalog_service.reader.tensor_file import listing, open_tensor_file
from catalog_service.reader.write_state import FileState, write_state
from tests.fakes.pickled_calls import Calls

NUM_MUTANTS = 400
"""Of each file."""

OPCODES = b"().012FNSUVXabcdeghijlopqrstu" + bytes(range(0x80, 0x98))
NUMBERS = [0, 1, 255, 2**31, 2**32 - 1, 2**33, 2**62, 2**63 - 1, 2**64 - 1]


def state() -> dict[str, torch.Tensor]:
    numbers = torch.arange(24.0).reshape(4, 6)
    return {"a": numbers, "b": numbers.t(), "c": numbers[1:, ::2], "d": torch.ones(2).bfloat16()}


def zipped(path: Path) -> None:
    torch.save({"state_dict": state(), "epoch": 3}, path)


def legacy(path: Path) -> None:
    torch.save(state(), path, _use_new_zipfile_serialization=False)


def safetensors(path: Path) -> None:
    save_file({name: tensor.contiguous() for name, tensor in state().items()}, path)


def calling(path: Path) -> None:
    touch = Calls(os.system, f"touch {path.with_name('marker')}")
    torch.save({**state(), "x": touch}, path)


def changed(content: bytes, rng: random.Random) -> bytes:
    """Return some of the bytes otherwise."""
    mutant = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 4, 16])):
        at = rng.randrange(len(mutant) + 1)
        size = rng.choice([4, 8])
        number = (rng.choice(NUMBERS) % 2 ** (8 * size)).to_bytes(size, "little")
        mutant[at : at + size], cut = rng.choice(
            [
                (number, 0),
                (bytes([rng.choice(OPCODES)]) + mutant[at + 1 : at + size], 0),
                (bytes(rng.randbytes(1)) + mutant[at + 1 : at + size], 0),
                (b"", 0),
                (mutant[at : at + size] + mutant[max(at - 20, 0) : at], 0),
                (b"", len(mutant) - at),
            ]
        )
        del mutant[len(mutant) - cut :]
    return bytes(mutant)


def changed_inside(content: bytes, rng: random.Random) -> bytes:
    """Return a zip file around other pickled bytes: what a careful attacker sends."""
    if not content.startswith(b"PK") or rng.random() < 0.3:
        return changed(content, rng)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, changed(data, rng) if name.endswith("data.pkl") else data)
    return out.getvalue()


@pytest.mark.parametrize("make", [zipped, legacy, safetensors, calling])
def test_a_mutant_is_read_or_refused_and_never_run(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    """In this process: what the child would call a failure of the disk is one here, too."""
    rng = random.Random(9)
    make(tmp_path / "whole")
    content = (tmp_path / "whole").read_bytes()
    path, num_read = tmp_path / "mutant", 0

    for _ in range(NUM_MUTANTS):
        path.write_bytes(changed_inside(content, rng))
        with path.open("rb") as file, (tmp_path / "out").open("wb") as out:
            try:
                found = open_tensor_file(file)
                listing(found)
                names = {name: name for name in found.tensors}
                write_state([FileState(file=found, names=names)], [], out)
                num_read += 1
            except (VertebraError, MemoryError):  # the child has words for both
                pass

    assert not (tmp_path / "marker").exists()
    assert num_read < NUM_MUTANTS / 2
