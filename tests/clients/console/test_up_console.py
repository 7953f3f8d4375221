"""`vertebra up --console`, as a newcomer types it."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.console.conftest import ROOT
from tests.fakes.fake_service_program import write_fake_services
from vertebra.cli.console import newer_source

FREE_PORTS = ("--catalog-port", "0", "--trainer-port", "0", "--console-port", "0")
STOP_TIMEOUT_S = 120


@pytest.fixture
def up(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The command in a folder in which the services are fakes that answer health checks."""
    if not (ROOT / "clients" / "node_modules" / ".installed").exists():
        pytest.skip("the clients' packages are not installed: `make console` does that")
    subprocess.run([ROOT / "deploy" / "console.sh"], check=True)
    write_fake_services(tmp_path)
    program = subprocess.Popen(
        [sys.executable, "-m", "vertebra.cli", "up", "--console", "--json", "--home", "home",
         *FREE_PORTS],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    yield program
    if program.poll() is None:
        program.kill()
    program.communicate()


def test_a_console_that_is_older_than_its_sources_is_told_of(tmp_path: Path) -> None:
    built, source = tmp_path / "files" / "index.html", tmp_path / "clients/console/src/main.tsx"
    for place, when in ((built, 2000), (source, 1000)):
        place.parent.mkdir(parents=True)
        place.touch()
        os.utime(place, (when, when))

    assert newer_source(built.parent, tmp_path / "clients") == ""
    os.utime(source, (3000, 3000))
    assert newer_source(built.parent, tmp_path / "clients") == "clients/console/src/main.tsx"
    assert newer_source(built.parent, tmp_path / "installed") == ""


def test_it_says_where_the_console_is_and_takes_it_along_when_it_stops(
    up: subprocess.Popen[str],
) -> None:
    assert up.stdout is not None
    said = up.stdout.readline()
    assert said, up.communicate()[1]
    url = json.loads(said)["console"]

    with urllib.request.urlopen(url, timeout=60) as answer:
        page = answer.read().decode()
        policy = answer.headers["content-security-policy"]
    up.send_signal(signal.SIGTERM)

    assert "<title>vertebra</title>" in page
    assert "unsafe-inline" not in policy
    assert up.wait(STOP_TIMEOUT_S) == 0
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(url, timeout=60)
