"""`vertebra checkpoints download`: a registered backbone in a file, whole and in nobody's way."""

import json
from pathlib import Path

import pytest

from tests.clients.python.conftest import Shell
from tests.fakes.fake_catalog import FakeCatalog
from vertebra.catalog.v1 import checkpoint_service_pb2 as wire

BYTES = b"safetensors" * 300


@pytest.fixture
def letters(with_catalog: FakeCatalog) -> wire.Checkpoint:
    """A registered backbone."""
    checkpoint = wire.Checkpoint(
        name="checkpoints/letters",
        checkpoint_id="letters",
        architecture_id="resnet18",
        blob=with_catalog.blobs.keep(BYTES),
        has_bytes=True,
    )
    with_catalog.registered["letters"] = checkpoint
    return checkpoint


def test_a_backbone_arrives_in_a_file_of_its_name(
    shell: Shell, letters: wire.Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    code, out, _ = shell("checkpoints", "download", "letters")

    assert code == 0
    assert (tmp_path / "letters.safetensors").read_bytes() == BYTES
    assert out.startswith("checkpoints/letters is here: letters.safetensors, 3.3 kB, sha256 ")


def test_it_is_fetched_once(shell: Shell, letters: wire.Checkpoint, tmp_path: Path) -> None:
    command = ("checkpoints", "download", "letters", "--to", str(tmp_path / "a.st"), "--json")
    first = json.loads(shell(*command)[1])
    second = json.loads(shell(*command)[1])

    assert (first["was_there"], second["was_there"]) == (False, True)
    assert (first["path"], first["blob"]["digest"]) == (
        str(tmp_path / "a.st"),
        letters.blob.digest,
    )


def test_another_file_is_replaced_only_where_that_is_said(
    shell: Shell, letters: wire.Checkpoint, tmp_path: Path
) -> None:
    mine = tmp_path / "a.st"
    mine.write_bytes(b"mine")
    command = ("checkpoints", "download", "letters", "--to", str(mine))

    code, _, err = shell(*command)

    assert (code, mine.read_bytes()) == (4, b"mine")
    assert "other files called a.st" in err
    assert shell(*command, "--force")[0] == 0
    assert mine.read_bytes() == BYTES


def test_an_entry_without_bytes_says_who_knows_more(shell: Shell, letters: wire.Checkpoint) -> None:
    letters.has_bytes = False

    code, _, err = shell("checkpoints", "download", "letters")

    assert code == 4
    assert "no bytes of checkpoints/letters; `vertebra weights explain checkpoints/letters`" in err


def test_a_name_that_could_lead_elsewhere_is_refused(
    shell: Shell, letters: wire.Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    letters.checkpoint_id = "../letters"

    code, _, err = shell("checkpoints", "download", "letters")

    assert code == 4
    assert "'../letters' is no name for a file" in err
