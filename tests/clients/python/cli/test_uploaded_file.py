"""Refusals of an uploaded file name the file, not the digest that nobody knows it by."""

import hashlib
from pathlib import Path

import grpc
import pytest

from tests.clients.python.conftest import Shell
from tests.fakes.fake_catalog import FakeCatalog
from vertebra.cli import exit_codes
from vertebra.cli.uploaded_file import called_by_its_name
from vertebra.client_errors import RpcFailed

DIGITS = hashlib.sha256(b"lunch").hexdigest()
NAME = f"blobs/sha256:{DIGITS}"
FILE = Path("a/b.pth")


@pytest.mark.parametrize("shown", [NAME, DIGITS])
def test_a_digest_becomes_the_files_name(shown: str) -> None:
    with pytest.raises(RpcFailed) as caught, called_by_its_name(FILE, NAME):
        raise RpcFailed(grpc.StatusCode.FAILED_PRECONDITION, f"{shown}: neither of them")

    assert caught.value.message == "b.pth: neither of them"


def test_a_path_of_the_catalog_is_left_as_it_is() -> None:
    with pytest.raises(RpcFailed) as caught, called_by_its_name(None, ""):
        raise RpcFailed(grpc.StatusCode.FAILED_PRECONDITION, "/data/b.pth: neither of them")

    assert caught.value.message == "/data/b.pth: neither of them"


def test_a_refused_registration_names_the_file(
    shell: Shell, with_catalog: FakeCatalog, tmp_path: Path
) -> None:
    file = tmp_path / "notes.txt"
    file.write_bytes(b"lunch")
    with_catalog.failures.append((grpc.StatusCode.FAILED_PRECONDITION, f"{DIGITS}: neither"))

    code, _, error = shell("checkpoints", "register", str(file), "--name", "letters")

    assert code == exit_codes.REFUSED
    assert "error: notes.txt: neither" in error
