"""`vertebra up`: starts both, says where they are, and leaves nothing behind.

The services are fakes that answer health checks; the processes, ports and signals are real.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.fake_service_program import write_fake_services
from vertebra.cli.up import fate
from vertebra.local_service import STOP_TIMEOUT_S, LocalServicesFailed, ending, telling_lines
from vertebra.local_services import FREE_PORTS, LocalServices

FREE_PORT_FLAGS = ("--catalog-port", "0", "--trainer-port", "0")
HANGS_AFTER_S = 2 * STOP_TIMEOUT_S + 30
"""It kills a service that does not stop."""


def notes(folder: Path) -> list[dict[str, Any]]:
    """Return what the services noted, in order."""
    file = folder / "notes.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def deeds(folder: Path) -> list[str]:
    """Return `catalog_service started` and the like."""
    return [f"{note['module']} {note['what']}" for note in notes(folder)]


def is_alive(pid: int) -> bool:
    """Whether a process runs."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which `python -m catalog_service` is the fake."""
    write_fake_services(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def up(place: Path) -> Iterator[subprocess.Popen[str]]:
    """`vertebra up --json` on free ports; killed if a test leaves it."""
    program = subprocess.Popen(
        [sys.executable, "-m", "vertebra.cli", "up", "--json", "--home", "home", *FREE_PORT_FLAGS,
         "--mirror", "weights", "--mirror", "/more", "--mirror", "https://weights.example/a",
         "--offline", "--data-root", "pictures"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONFAULTHANDLER": "1"},
    )  # fmt: skip
    with program:
        yield program
        program.kill()


def exit_code(up: subprocess.Popen[str]) -> int:
    """Wait for its end; one that hangs says where."""
    try:
        return up.wait(timeout=HANGS_AFTER_S)
    except subprocess.TimeoutExpired:
        up.send_signal(signal.SIGABRT)
        raise AssertionError(f"it hangs:\n{up.communicate()[1]}") from None


def test_both_start_with_the_settings_and_their_addresses_are_told(
    up: subprocess.Popen[str], place: Path
) -> None:
    assert up.stdout is not None
    told = json.loads(up.stdout.readline())

    catalog, trainer = notes(place)
    assert deeds(place) == ["catalog_service started", "trainer_service started"]
    assert told["home"] == str(place / "home")
    assert told["catalog_metrics"] == told["trainer_metrics"] == "http://127.0.0.1:1/metrics"
    assert trainer["VERTEBRA_TRAINER_CATALOG"] == told["catalog"]
    assert catalog["VERTEBRA_CATALOG_HOME"] == trainer["VERTEBRA_TRAINER_HOME"] == told["home"]
    assert catalog["VERTEBRA_CATALOG_MIRRORS"] == f"{place / 'weights'}{os.pathsep}/more"
    assert catalog["VERTEBRA_CATALOG_HTTP_MIRRORS"] == "https://weights.example/a"
    assert catalog["VERTEBRA_CATALOG_OFFLINE"] == "1"
    assert trainer["VERTEBRA_TRAINER_DATA_ROOTS"] == str(place / "pictures")


@pytest.mark.parametrize(("slots", "told"), [(None, None), (2, "2")])
def test_the_trainer_is_told_how_many_jobs_run_at_once(
    place: Path, slots: int | None, told: str | None
) -> None:
    with LocalServices(place / "home", ports=FREE_PORTS, slots=slots):
        catalog, trainer = notes(place)

    assert trainer.get("VERTEBRA_TRAINER_SLOTS") == told
    assert "VERTEBRA_TRAINER_SLOTS" not in catalog


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_trainer_first_then_the_catalog(
    up: subprocess.Popen[str], place: Path, number: signal.Signals
) -> None:
    assert up.stdout is not None and up.stderr is not None
    up.stdout.readline()

    up.send_signal(number)

    assert exit_code(up) == 0
    assert deeds(place)[2:] == ["trainer_service stopped", "catalog_service stopped"]
    assert "running jobs go on" in up.stderr.read()


def test_a_service_that_dies_is_told_and_the_other_is_stopped(
    up: subprocess.Popen[str], place: Path
) -> None:
    assert up.stdout is not None and up.stderr is not None
    up.stdout.readline()
    catalog, trainer = notes(place)

    os.kill(catalog["pid"], signal.SIGKILL)

    assert exit_code(up) == 1
    told = up.stderr.read()
    assert "the catalog stopped by itself (killed by SIGKILL)" in told
    assert "running jobs go on by themselves" in told
    assert not is_alive(trainer["pid"])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that we died")
def test_killing_up_leaves_no_orphan(up: subprocess.Popen[str], place: Path) -> None:
    assert up.stdout is not None
    up.stdout.readline()
    pids = [note["pid"] for note in notes(place)]

    up.kill()

    deadline = time.monotonic() + 20
    while any(is_alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(is_alive(pid) for pid in pids)


def test_a_taken_port_is_said_with_the_way_out(place: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(LocalServicesFailed, match=f"port {port} is taken.*--trainer-port"):
            LocalServices(place / "home", ports=(0, port)).__enter__()

    assert deeds(place) == ["catalog_service started", "catalog_service stopped"]


def test_a_service_that_cannot_start_is_told_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_fake_services(tmp_path, broken="trainer_service")
    monkeypatch.chdir(tmp_path)

    with pytest.raises(LocalServicesFailed, match="the trainer stopped by itself") as caught:
        LocalServices(tmp_path / "home", ports=FREE_PORTS).__enter__()

    assert "the database is locked" in str(caught.value)
    assert str(tmp_path / "home" / "logs" / "trainer.log") in str(caught.value)
    assert deeds(tmp_path) == ["catalog_service started", "catalog_service stopped"]


def test_missing_extras_are_named(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vertebra.local_services.PACKAGES", ("json", "no_such_package"))

    with pytest.raises(LocalServicesFailed, match=r"missing: no_such_package.*vertebra\[trainer\]"):
        LocalServices(place / "home").__enter__()

    assert notes(place) == []


def test_the_clients_own_variables_do_not_reach_the_services(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service refuses variables with its prefix that it does not know."""
    monkeypatch.setenv("VERTEBRA_CATALOG_ADDRESS", "localhost:1")
    monkeypatch.setenv("VERTEBRA_TRAINER_ADDRESS", "localhost:1")

    with LocalServices(place / "home", ports=FREE_PORTS):
        seen = {name for note in notes(place) for name in note}

    assert "VERTEBRA_CATALOG_HOME" in seen
    assert not seen & {"VERTEBRA_CATALOG_ADDRESS", "VERTEBRA_TRAINER_ADDRESS"}


def test_the_services_are_there_inside_the_with(place: Path) -> None:
    with LocalServices(place / "home", ports=FREE_PORTS) as services:
        assert services.catalog_address != services.trainer_address
        assert len(deeds(place)) == 2

    assert len(deeds(place)) == 4


@pytest.mark.parametrize(
    ("num_running", "on_stop", "told"),
    [
        (0, "leave", "no job is running"),
        (1, "leave", "1 running job goes on by itself, the next `vertebra up` finds it"),
        (2, "leave", "2 running jobs go on by themselves, the next `vertebra up` finds them"),
        (None, "leave", "running jobs go on by themselves, the next `vertebra up` finds them"),
        (1, "preempt", "1 running job saves a snapshot and waits for the next `vertebra up`"),
        (None, "preempt", "running jobs save snapshots and wait for the next `vertebra up`"),
    ],
)
def test_who_stops_is_told_what_becomes_of_running_jobs(
    num_running: int | None, on_stop: str, told: str
) -> None:
    assert fate(num_running, on_stop) == told


def test_ctrl_c_says_what_becomes_of_jobs_even_where_the_trainer_does_not_answer(
    up: subprocess.Popen[str],
) -> None:
    """The fake trainer knows no GetCapacity."""
    assert up.stdout is not None
    up.stdout.readline()

    up.send_signal(signal.SIGINT)
    _, told = up.communicate(timeout=60)

    assert "stopping; running jobs go on by themselves" in told


@pytest.mark.parametrize(
    ("code", "told"),
    [(3, "exit code 3"), (-9, "killed by SIGKILL"), (-99, "killed by signal 99")],
)
def test_how_a_service_ended_is_said_in_words(code: int, told: str) -> None:
    assert ending(code) == told


def test_what_is_routine_in_a_log_says_nothing_of_a_death() -> None:
    routine = json.dumps({"level": "INFO", "message": "GetTrainJob OK 2.7 ms"})
    trouble = json.dumps({"level": "ERROR", "message": "the disk is full"})

    assert telling_lines([routine, trouble, "Killed", "[1]"]) == [
        "ERROR the disk is full",
        "Killed",
        "[1]",
    ]
