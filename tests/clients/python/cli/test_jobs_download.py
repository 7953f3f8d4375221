"""`vertebra jobs download`: files arrive whole, in nobody's way, and are named."""

import json
from pathlib import Path

import pytest

from tests.clients.python.conftest import Shell
from tests.fakes.fake_trainer import FakeTrainer
from vertebra.trainer.v1 import train_job_pb2 as jobs

BYTES = {
    "backbone.safetensors": b"backbone" * 500,
    "backbone.ckpt": b"pickled",
    "sample-1.png": b"",
}


@pytest.fixture
def exported(with_trainer: FakeTrainer) -> FakeTrainer:
    """A job that left three files."""
    with_trainer.keep("abcd1234")
    with_trainer.exported = {f"/exports/{name}": data for name, data in BYTES.items()}
    return with_trainer


def contents(folder: Path) -> dict[str, bytes]:
    """Return name -> bytes of all that is in a folder, hidden files too."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_all_files_of_a_job_arrive_in_a_folder_of_its_name(
    shell: Shell, exported: FakeTrainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    code, out, _ = shell("jobs", "download", "abcd")

    assert code == 0
    assert contents(tmp_path / "abcd1234") == BYTES
    assert "3 files, 4.0 kB, verified, in abcd1234" in out
    assert [line.split("  ")[0] for line in out.splitlines()[1:4]] == list(BYTES)


def test_chosen_files_arrive_where_they_are_wanted(
    shell: Shell, exported: FakeTrainer, tmp_path: Path
) -> None:
    to = tmp_path / "new" / "folder"

    code, _, _ = shell("jobs", "download", "abcd", "--file", "backbone.*", "--to", str(to))

    assert code == 0
    assert set(contents(to)) == {"backbone.safetensors", "backbone.ckpt"}


def test_programs_are_told_where_each_file_is_now(
    shell: Shell, exported: FakeTrainer, tmp_path: Path
) -> None:
    command = ("jobs", "download", "abcd", "--to", str(tmp_path), "--json")
    shell(*command, "--file", "backbone.ckpt")

    _, out, _ = shell(*command)

    told = json.loads(out)
    assert told["export"] == "trainJobs/abcd1234/exports/1"
    assert [Path(one["path"]) for one in told["files"]] == [tmp_path / name for name in BYTES]
    assert [one["was_there"] for one in told["files"]] == [False, True, False]
    assert told["files"][0]["kind"] == "KIND_BACKBONE_SAFETENSORS"


def test_other_files_of_these_names_are_in_the_way_of_all(
    shell: Shell, exported: FakeTrainer, tmp_path: Path
) -> None:
    mine = {"backbone.ckpt": b"mine"}
    (tmp_path / "backbone.ckpt").write_bytes(b"mine")

    code, _, err = shell("jobs", "download", "abcd", "--to", str(tmp_path))

    assert code == 4
    assert "other files called backbone.ckpt" in err and "--force" in err
    assert contents(tmp_path) == mine


def test_they_are_replaced_where_that_is_said(
    shell: Shell, exported: FakeTrainer, tmp_path: Path
) -> None:
    (tmp_path / "backbone.ckpt").write_bytes(b"mine")

    code, _, _ = shell("jobs", "download", "abcd", "--to", str(tmp_path), "--force")

    assert code == 0
    assert contents(tmp_path) == BYTES


def test_what_is_there_is_not_fetched_again(
    shell: Shell, exported: FakeTrainer, tmp_path: Path
) -> None:
    shell("jobs", "download", "abcd", "--to", str(tmp_path))
    exported.blobs.offsets_asked.clear()

    code, out, _ = shell("jobs", "download", "abcd", "--to", str(tmp_path))

    assert code == 0
    assert out.count("was here") == 3
    assert exported.blobs.offsets_asked == []


def test_a_file_that_the_job_has_not_is_answered_with_those_it_has(
    shell: Shell, exported: FakeTrainer, tmp_path: Path
) -> None:
    code, _, err = shell("jobs", "download", "abcd", "--file", "model.pt", "--to", str(tmp_path))

    assert code == 4
    assert "no file 'model.pt'; it has backbone.safetensors, backbone.ckpt, sample-1.png" in err
    assert contents(tmp_path) == {}


def test_a_job_that_is_not_over_has_nothing_yet(shell: Shell, exported: FakeTrainer) -> None:
    exported.exported = {}
    exported.kept["abcd1234"].state = jobs.JOB_STATE_RUNNING

    code, _, err = shell("jobs", "download", "abcd")

    assert code == 4
    assert "'abcd1234' has exported nothing: it is running" in err


@pytest.mark.parametrize("path", ["/exports/..", "/", "/exports/.bashrc", "/exports/a\\b", "a\n"])
def test_a_name_that_could_lead_elsewhere_is_refused(
    shell: Shell, exported: FakeTrainer, tmp_path: Path, path: str
) -> None:
    exported.exported = {path: b"x"}

    code, _, err = shell("jobs", "download", "abcd", "--to", str(tmp_path / "to"))

    assert code == 4
    assert "is no name for a file" in err
    assert contents(tmp_path) == {}


def test_bytes_that_are_not_the_files_leave_nothing(
    shell: Shell, exported: FakeTrainer, tmp_path: Path
) -> None:
    exported.blobs.lie = "bytes"

    code, _, err = shell("jobs", "download", "abcd", "--to", str(tmp_path))

    assert code == 4
    assert "another sha256" in err or "checksum" in err
    assert "backbone.safetensors" not in contents(tmp_path)
