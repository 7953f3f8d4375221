"""A file is identified without a look at its numbers."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from catalog_service.checkpoints.identify import CheckpointAmbiguous, NotIdentified
from catalog_service.errors import Precondition
from catalog_service.reader.unreadable import FileUnreadable
from catalog_service.resolve.identifying import decided, identify_file
from tests.fakes.file_listings import Shapes, behind, shapes_of

WHAT_A_LOOK_COSTS = 16 * 2**20
"""The child's own program, the header or pickle, and the names."""


def write(path: Path, shapes: Shapes) -> Path:
    """Write zeros in those shapes."""
    state = {
        name: torch.zeros(shape, dtype=torch.int64 if not shape else torch.float32)
        for name, shape in shapes.items()
    }
    (save_file if path.suffix == ".safetensors" else torch.save)(state, path)
    return path


def bytes_read(action: Callable[[], object]) -> int:
    """Return how many bytes this process and its children read from files meanwhile."""
    before = _bytes_read()
    action()
    return _bytes_read() - before


def _bytes_read() -> int:
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("rchar:")))


@pytest.mark.parametrize("ending", [".pth", ".safetensors"])
def test_no_tensor_of_a_large_file_is_read(ending: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"vit{ending}", shapes_of("vit_b_16"))
    found = []

    looked = bytes_read(
        lambda: found.append(identify_file(path, "vit", max_candidates=5).identification)
    )
    copied = bytes_read(lambda: subprocess.run(["sha256sum", path], check=True))

    assert path.stat().st_size > 330 * 2**20
    assert copied > 330 * 2**20, "what a child reads is counted"
    assert looked < WHAT_A_LOOK_COSTS
    assert found[0].the_match().architecture_id == "vit_b_16"


def test_a_registration_without_an_architecture_gets_the_one_beyond_doubt(tmp_path: Path) -> None:
    path = write(tmp_path / "file.pth", behind("module.", shapes_of("shufflenet_v2_x0_5")))

    assert decided(path, "") == "shufflenet_v2_x0_5"


def test_a_prefix_chooses_between_two_trees(tmp_path: Path) -> None:
    trees = {
        **behind("student.", shapes_of("shufflenet_v2_x0_5")),
        **behind("teacher.", shapes_of("shufflenet_v2_x1_0")),
    }
    path = write(tmp_path / "file.pth", trees)

    with pytest.raises(CheckpointAmbiguous):
        decided(path, "")

    assert decided(path, "student.") == "shufflenet_v2_x0_5"
    assert decided(path, "teacher.") == "shufflenet_v2_x1_0"


def test_a_prefix_that_nothing_has_is_said_beside_those_that_there_are(tmp_path: Path) -> None:
    path = write(tmp_path / "file.pth", behind("teacher.", shapes_of("shufflenet_v2_x0_5")))

    with pytest.raises(NotIdentified, match=r"begins with 'studnet\.'; they begin with teacher"):
        decided(path, "studnet.")


def test_nothing_is_guessed(tmp_path: Path) -> None:
    path = write(tmp_path / "file.pth", {"decoder.weight": (3, 3)})

    with pytest.raises(NotIdentified):
        decided(path, "")


def test_a_file_is_called_what_the_caller_calls_it(tmp_path: Path) -> None:
    path = tmp_path / "0123abcd"
    path.write_text("lunch")

    with pytest.raises(Precondition, match=r"notes\.txt: neither") as failed:
        identify_file(path, "notes.txt", max_candidates=5)

    assert failed.value.error_reason == FileUnreadable.reason
    assert path.name not in str(failed.value)
