"""Go's tests, run as their users would, with Python's servers around them."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clients.restarted_catalog import restarted_catalog
from tests.fakes.fake_trainer import FakeTrainer
from tests.fakes.long_job import a_way_of_breaks, job_of_many_steps
from tests.fakes.lying_services import LyingServices, lying_services
from tests.fakes.torn_uploads import TornUploads, torn_uploads

MODULE = Path(__file__).resolve().parents[3] / "clients" / "go"
TIMEOUT_S = 280
"""Compiling gRPC for the first time takes a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoRun:
    """One `go test` of the whole module, and the servers that it talked to."""

    outcomes: Mapping[str, str]
    """Name of a test -> `pass`, `fail` or `skip`."""
    output: str
    services: LyingServices
    long_job: FakeTrainer
    uploads: TornUploads
    record: Path


def go(
    *arguments: str, folder: Path = MODULE, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the go command in a module, ours unless another is named."""
    return subprocess.run(
        ["go", *arguments],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


@pytest.fixture(scope="session", autouse=True)
def _toolchain() -> None:
    """Go 1.21 and newer fetch the release that go.mod wants."""
    if shutil.which("go") is None:
        pytest.skip("needs the Go toolchain")


@pytest.fixture(scope="session")
def go_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GoRun]:
    """Run all of Go's tests once."""
    home = tmp_path_factory.mktemp("go")
    record = home / "watch.jsonl"
    long_job = job_of_many_steps()
    with (
        lying_services() as services,
        a_way_of_breaks(long_job) as proxy,
        torn_uploads(tmp_path_factory.mktemp("uploads")) as uploads,
        restarted_catalog(home / "catalog") as returning,
    ):
        addresses = {**services.addresses, **uploads.addresses, "torn": proxy.address, **returning}
        done = go(
            *("test", "-json", "-count=1", "-vet=off", "./..."),
            VERTEBRA_TEST_SERVERS=json.dumps(addresses),
            VERTEBRA_TEST_RECORD=str(record),
        )
        yield GoRun(
            outcomes=outcomes_of(told(done)),
            output=complaints(told(done)) + done.stderr,
            services=services,
            long_job=long_job,
            uploads=uploads,
            record=record,
        )


def told(done: subprocess.CompletedProcess[str]) -> list[dict[str, str]]:
    """Return what `go test -json` printed, line by line."""
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def outcomes_of(lines: list[dict[str, str]]) -> dict[str, str]:
    """Return how each test ended."""
    ends = ("pass", "fail", "skip")
    return {one["Test"]: one["Action"] for one in lines if "Test" in one and one["Action"] in ends}


def complaints(lines: list[dict[str, str]]) -> str:
    """Return what the tests that did not pass said, and what the compiler did."""
    ended = outcomes_of(lines)
    said = (one for one in lines if ended.get(one.get("Test", "")) != "pass")
    return "".join(one.get("Output", "") for one in said)
