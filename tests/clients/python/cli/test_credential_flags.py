"""The flags before the command, and `vertebra token`."""

import hashlib
import stat
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from tests.fakes.authority import Authority
from vertebra.catalog.v1 import architecture_service_pb2 as pb
from vertebra.catalog.v1.architecture_service_pb2_grpc import (
    ArchitectureServiceServicer,
    add_ArchitectureServiceServicer_to_server,
)
from vertebra.cli.main import run


class Architectures(ArchitectureServiceServicer):
    """Remembers what callers show."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def ListArchitectures(  # noqa: N802
        self, request: pb.ListArchitecturesRequest, context: grpc.ServicerContext
    ) -> pb.ListArchitecturesResponse:
        self.shown.append(dict(context.invocation_metadata()).get("authorization", ""))
        return pb.ListArchitecturesResponse()


@pytest.fixture
def guarded(tmp_path):
    """A TLS server on this machine; yields it and the flags that it wants."""
    authority = Authority()
    cert, key = authority.pair(hosts=["catalog.studio"])
    with ThreadPoolExecutor(2) as pool:
        server = grpc.server(pool)
        architectures = Architectures()
        add_ArchitectureServiceServicer_to_server(architectures, server)
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key, cert)]))
        server.start()
        (tmp_path / "token").write_text("a-token\n")
        wanted = {
            "CA": str(authority.file(tmp_path)),
            "TOKEN_FILE": str(tmp_path / "token"),
            "SERVER_NAME": "catalog.studio",
        }
        yield architectures, f"127.0.0.1:{port}", wanted
        server.stop(None).wait()


def test_flags_reach_the_service(guarded, capsys):
    architectures, address, wanted = guarded
    flags = [
        word
        for name, value in wanted.items()
        for word in (f"--{name.lower().replace('_', '-')}", value)
    ]

    assert run([*flags, "models", "ls", "--catalog", address]) == 0, capsys.readouterr().err
    assert architectures.shown == ["Bearer a-token"]


def test_the_environment_says_the_same(guarded, capsys, monkeypatch):
    architectures, address, wanted = guarded
    for name, value in wanted.items():
        monkeypatch.setenv(f"VERTEBRA_{name}", value)

    assert run(["models", "ls", "--catalog", address]) == 0, capsys.readouterr().err
    assert architectures.shown == ["Bearer a-token"]


def test_a_token_of_the_environment_is_sent_and_never_printed(guarded, capsys, monkeypatch):
    architectures, address, wanted = guarded
    del wanted["TOKEN_FILE"]
    for name, value in {**wanted, "TOKEN": "from-the-environment"}.items():
        monkeypatch.setenv(f"VERTEBRA_{name}", value)

    assert run(["models", "ls", "--catalog", address]) == 0
    assert architectures.shown == ["Bearer from-the-environment"]
    assert run(["models", "ls", "--catalog", "studio.test:1", "--help"]) == 0
    monkeypatch.delenv("VERTEBRA_CA")
    monkeypatch.delenv("VERTEBRA_SERVER_NAME")
    assert run(["models", "ls", "--catalog", "studio.test:1"]) == 2
    told = capsys.readouterr()
    assert "in plain text" in told.err
    assert "from-the-environment" not in told.err + told.out


def test_without_the_authority_the_certificate_is_not_believed(guarded, capsys):
    _, address, _ = guarded

    assert run(["--tls", "models", "ls", "--catalog", address]) == 4
    assert "an authority that we do not know" in capsys.readouterr().err


def test_flags_that_contradict_each_other_are_usage(capsys):
    assert run(["--cert", "a.pem", "models", "ls"]) == 2
    assert "a certificate without its key" in capsys.readouterr().err


def test_a_new_token_is_written_for_its_owner_alone_and_its_row_has_the_digest(tmp_path, capsys):
    path = tmp_path / "ci.token"

    assert run(["token", "ci", "--role", "user", "--role", "viewer", "--out", str(path)]) == 0

    made = path.read_text().strip()
    printed = capsys.readouterr().out
    (row,) = tomllib.loads(printed)["caller"]
    assert row == {
        "name": "token:ci",
        "token_sha256": hashlib.sha256(made.encode()).hexdigest(),
        "roles": ["user", "viewer"],
    }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert made not in printed


def test_a_token_in_use_is_not_replaced(tmp_path, capsys):
    path = tmp_path / "ci.token"
    path.write_text("in use")

    assert run(["token", "ci", "--out", str(path)]) == 2
    assert path.read_text() == "in use"
    assert run(["token", 'a"b', "--out", str(Path(tmp_path, "b"))]) == 2
