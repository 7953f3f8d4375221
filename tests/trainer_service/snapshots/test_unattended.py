"""A worker without a supervisor does not fill the disk; beside one it deletes nothing."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes.still_clock import StillClock
from tests.trainer_service.snapshots.test_snapshots import names_in, write
from trainer_service.snapshots.unattended import UNATTENDED_S, Unattended


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def heartbeat(tmp_path: Path) -> Path:
    path = tmp_path / "heartbeat"
    path.touch()
    return path


def test_without_a_supervisor_the_last_two_and_the_best_are_kept(
    tmp_path: Path, clock: StillClock, heartbeat: Path
) -> None:
    unattended = Unattended(heartbeat, clock=clock)
    folder = tmp_path / "snapshots"
    unattended.took(write(folder, step=1))
    for step in (2, 3, 4, 5):
        clock.now += UNATTENDED_S
        unattended.took(replace(write(folder, step=step), is_best=step == 2))

    assert names_in(folder) == ["1-2", "1-4", "1-5"]


def test_beside_a_supervisor_nothing_is_deleted(
    tmp_path: Path, clock: StillClock, heartbeat: Path
) -> None:
    unattended = Unattended(heartbeat, clock=clock)
    folder = tmp_path / "snapshots"
    for step in (1, 2, 3, 4):
        clock.now += UNATTENDED_S
        os.utime(heartbeat, (step, step))
        unattended.took(write(folder, step=step))

    assert len(names_in(folder)) == 4


def test_what_a_supervisor_may_know_is_left_to_it(
    tmp_path: Path, clock: StillClock, heartbeat: Path
) -> None:
    unattended = Unattended(heartbeat, clock=clock)
    folder = tmp_path / "snapshots"
    for step in (1, 2, 3):
        unattended.took(write(folder, step=step))
    os.utime(heartbeat, (9, 9))
    for step in (4, 5, 6):
        clock.now += UNATTENDED_S
        unattended.took(write(folder, step=step))

    assert names_in(folder) == ["1-1", "1-2", "1-3", "1-5", "1-6"]
