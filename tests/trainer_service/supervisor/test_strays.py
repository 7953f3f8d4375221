"""Workers of a home are found by what they are, and those that nobody follows are told apart."""

import os
import subprocess
import sys
import time
from contextlib import contextmanager

from trainer_service.engines.process import NONCE_VARIABLE
from trainer_service.supervisor.strays import strays, workers_of

SLEEPS = "import time; time.sleep(600)"


@contextmanager
def program(*arguments: str, **environment: str):
    """A process that sleeps; it is gone in the end."""
    process = subprocess.Popen(
        [sys.executable, "-c", SLEEPS, *arguments], env={**os.environ, **environment}
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def found_below(home, pid) -> list:
    """Return the workers found once the process shows its command; a new one has none yet."""
    deadline = time.monotonic() + 60
    while not (found := [one for one in workers_of(home) if one.pid == pid]):
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    return found


def test_a_worker_of_this_home_is_found_with_its_nonce_and_folder(tmp_path):
    folder = tmp_path / "jobs" / "a" / "attempt-1"

    with program(str(folder), **{NONCE_VARIABLE: "n1"}) as process:
        (found,) = found_below(tmp_path, process.pid)

    assert (found.nonce, found.folder) == ("n1", folder)


def test_other_programs_and_workers_of_other_homes_are_left_alone(tmp_path):
    mine, other = tmp_path / "mine", tmp_path / "other" / "jobs" / "a" / "attempt-1"

    with (
        program(str(mine / "jobs" / "a" / "attempt-1")),
        program(str(other), **{NONCE_VARIABLE: "n1"}) as process,
    ):
        assert found_below(tmp_path / "other", process.pid)
        assert workers_of(mine) == []


def test_a_worker_that_is_followed_is_no_stray(tmp_path):
    folder = tmp_path / "jobs" / "a" / "attempt-2"

    with program(str(folder), **{NONCE_VARIABLE: "n1"}) as process:
        found = found_below(tmp_path, process.pid)

    assert strays(found, {folder}) == []
    assert strays(found, {tmp_path / "jobs" / "a" / "attempt-1"}) == found
