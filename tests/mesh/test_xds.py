"""Clients of ours in a mesh without proxies: `xds:///`, and a control plane that splits calls."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest

from tests.fakes.fake_server import running_server
from vertebra.diagnostics.v1 import path_service_pb2 as pb
from vertebra.diagnostics.v1.path_service_pb2_grpc import (
    PathServiceServicer,
    add_PathServiceServicer_to_server,
)

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-xds" / "bin" / "python"
NUM_CALLS = 400
CANARY_SHARE = 0.2
SIGMAS = 5
MOVES_WITHIN_S = 120

Process = subprocess.Popen[str]


class Named(PathServiceServicer):
    """Says its own name as who calls."""

    def __init__(self, name: str) -> None:
        self._name = name

    def Echo(self, request: pb.EchoRequest, context: Any) -> pb.EchoResponse:  # noqa: N802
        return pb.EchoResponse(principal=self._name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """Two servers, a control plane, and a client that it tells where to go."""

    plane: Process
    client: Process
    stable: str
    canary: str

    def split(self, stable: int, canary: int) -> None:
        """Give both their weights, and return when the plane has taken them."""
        _ask(self.plane, json.dumps({self.stable: stable, self.canary: canary}))

    def calls(self, count: int) -> dict[str, int]:
        """Call so often; return how many calls each server got."""
        counted: dict[str, int] = json.loads(_ask(self.client, str(count)))
        return counted


def _ask(process: Process, line: str) -> str:
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()
    return _line(process.stdout)


def _line(out: IO[str] | None) -> str:
    assert out is not None
    line = out.readline()
    assert line, "the program ended"
    return line.strip()


@contextmanager
def program(command: list[str], environment: dict[str, str]) -> Iterator[Process]:
    """Run a program that is talked to in lines; it ends with its input."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, text=True, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def canary() -> Iterator[Canary]:
    if not PYTHON.exists():
        pytest.skip(".venv-xds is not set up: make .venv-xds/.installed")
    adds = [
        lambda server, name=name: add_PathServiceServicer_to_server(Named(name), server)
        for name in ("stable", "canary")
    ]
    fakes = ROOT / "tests" / "fakes"
    with (
        running_server(adds[0]) as stable,
        running_server(adds[1]) as other,
        program(
            [str(PYTHON), "-P", str(fakes / "xds_control_plane.py")], dict(os.environ)
        ) as plane,
    ):
        bootstrap = {
            "xds_servers": [
                {
                    "server_uri": _line(plane.stdout),
                    "channel_creds": [{"type": "insecure"}],
                    "server_features": ["xds_v3"],
                }
            ],
            "node": {"id": "test"},
        }
        environment = {**os.environ, "GRPC_XDS_BOOTSTRAP_CONFIG": json.dumps(bootstrap)}
        command = [sys.executable, str(fakes / "xds_client_program.py")]
        addresses = [one.replace("localhost", "127.0.0.1") for one in (stable, other)]
        with program(command, environment) as client:
            yield Canary(plane=plane, client=client, stable=addresses[0], canary=addresses[1])


def test_a_fifth_of_the_calls_goes_to_the_canary(canary: Canary) -> None:
    canary.split(stable=80, canary=20)

    counted = canary.calls(NUM_CALLS)

    expected = NUM_CALLS * CANARY_SHARE
    tolerance = SIGMAS * (expected * (1 - CANARY_SHARE)) ** 0.5
    assert sum(counted.values()) == NUM_CALLS
    assert counted["canary"] == pytest.approx(expected, abs=tolerance)


def test_a_client_that_is_there_already_follows_a_new_split(canary: Canary) -> None:
    """No restart, no failed call: all of them go to the canary in the end."""
    canary.split(stable=0, canary=100)

    deadline = time.monotonic() + MOVES_WITHIN_S
    while (counted := canary.calls(20)) != {"canary": 20}:
        assert sum(counted.values()) == 20
        assert time.monotonic() < deadline, counted
