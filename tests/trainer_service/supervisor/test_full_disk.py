"""A disk that is really full: the job is paused, and the store on that very disk says so."""

import json
import subprocess
import sys
from pathlib import Path

from tests.fakes import full_disk_program
from tests.fakes.small_disk import on_a_small_disk
from trainer_service.supervisor.room_reserve import keep_reserve, use_reserve

DISK_BYTES = 32 << 20
PROGRAM = Path(full_disk_program.__file__)


def test_a_job_that_fills_the_disk_is_paused_and_goes_on_once_there_is_room(tmp_path):
    """Without room of its own the job store could not even write that the job is paused."""
    command = [sys.executable, str(PROGRAM), str(tmp_path)]

    done = subprocess.run(
        on_a_small_disk(tmp_path, DISK_BYTES, command),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    told = json.loads(done.stdout)
    assert told["while_full"] == ["paused", "no room"]
    assert told["at_the_end"] == "succeeded"
    assert told["steps"] == [1, 2, 3, 4, 1, 2, 3, 4]


def test_a_reserve_is_given_back_once(tmp_path):
    keep_reserve(tmp_path)
    keep_reserve(tmp_path)

    assert [use_reserve(tmp_path), use_reserve(tmp_path)] == [True, False]
    assert list(tmp_path.iterdir()) == []
