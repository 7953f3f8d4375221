"""What the end of a worker's process says about the attempt."""

from pathlib import Path

import pytest

from trainer_service.jobs import (
    Cancelled,
    ExitClass,
    Failed,
    Finished,
    LastWord,
    Paused,
    Preempted,
)
from trainer_service.jobs.worker_end import (
    NO_ROOM_EXIT_CODE,
    WorkerEnd,
    exit_class_of,
    memory_files,
    oom_kills,
    read_oom_kills,
)

VERSION_1 = "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"
VERSION_2 = "low 0\nhigh 0\nmax 7\noom 2\noom_kill 2\noom_group_kill 0\n"


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        (Finished(exports=()), ExitClass.FINISHED),
        (Cancelled(), ExitClass.CANCELLED),
        (Paused(step=3), ExitClass.PAUSED),
        (Preempted(is_saved=False, message="m"), ExitClass.PREEMPTED),
        (Failed(reason="DATA_INVALID", message="m"), ExitClass.REFUSED),
        (
            Failed(reason="X", message="m", exit_class=ExitClass.DISK_FULL),
            ExitClass.DISK_FULL,
        ),
    ],
)
def test_a_last_word_says_how_it_ended_whatever_the_process_did(
    word: LastWord, expected: ExitClass
) -> None:
    end = exit_class_of(WorkerEnd(last_word=word, exit_code=-9, num_oom_kills=1))

    assert end.exit_class is expected


def test_a_refusal_keeps_its_own_reason_and_words() -> None:
    end = exit_class_of(WorkerEnd(last_word=Failed(reason="DATA_INVALID", message="no images")))

    assert (end.reason, end.detail) == ("DATA_INVALID", "no images")


DIED = [
    (WorkerEnd(exit_code=-9), ExitClass.CRASHED),
    (WorkerEnd(exit_code=3), ExitClass.CRASHED),
    (WorkerEnd(exit_code=0), ExitClass.CRASHED),
    (WorkerEnd(exit_code=None), ExitClass.CRASHED),
    (WorkerEnd(exit_code=-9, num_oom_kills=1), ExitClass.HOST_OUT_OF_MEMORY),
    (WorkerEnd(exit_code=None, num_oom_kills=1), ExitClass.HOST_OUT_OF_MEMORY),
    (WorkerEnd(exit_code=-11, num_oom_kills=1), ExitClass.CRASHED),
    (WorkerEnd(exit_code=-15), ExitClass.PREEMPTED),
    (WorkerEnd(exit_code=-9, was_asked="cancel"), ExitClass.CANCELLED),
    (WorkerEnd(exit_code=-9, was_asked="preempt"), ExitClass.PREEMPTED),
    (WorkerEnd(exit_code=-9, was_asked="pause"), ExitClass.CRASHED),
    (WorkerEnd(exit_code=NO_ROOM_EXIT_CODE), ExitClass.DISK_FULL),
    (
        WorkerEnd(exit_code=1, log_tail="OSError: [Errno 28] No space left on device"),
        ExitClass.DISK_FULL,
    ),
]


@pytest.mark.parametrize(("end", "expected"), DIED)
def test_a_silent_end_is_read_from_the_process(end: WorkerEnd, expected: ExitClass) -> None:
    assert exit_class_of(end).exit_class is expected


def test_a_crash_says_what_is_known() -> None:
    end = exit_class_of(WorkerEnd(exit_code=3, how="exit code 3", log_tail="RuntimeError: sky"))

    assert end.reason == "WORKER_CRASHED"
    assert end.detail == "the worker died: exit code 3; its log ends with 'RuntimeError: sky'"


@pytest.mark.parametrize(("counters", "expected"), [(VERSION_1, 3), (VERSION_2, 2), ("", 0)])
def test_both_versions_of_control_groups_count_kills(counters: str, expected: int) -> None:
    assert oom_kills(counters) == expected


def test_a_group_is_looked_for_at_its_path_and_at_the_root_of_a_container(tmp_path: Path) -> None:
    both = "4:cpu,memory:/a/b\n9:name=systemd:/x\n0::/c\n"

    assert memory_files(both, tmp_path) == [
        tmp_path / "memory/a/b/memory.oom_control",
        tmp_path / "memory/memory.oom_control",
        tmp_path / "c/memory.events",
        tmp_path / "memory.events",
    ]


def test_counters_of_this_process_are_found(tmp_path: Path) -> None:
    membership = Path("/proc/self/cgroup").read_text()
    place = memory_files(membership, tmp_path)[0]
    place.parent.mkdir(parents=True)
    place.write_text(VERSION_2)

    assert read_oom_kills(cgroups=tmp_path) == 2


def test_no_counter_means_that_nothing_is_known(tmp_path: Path) -> None:
    assert read_oom_kills(cgroups=tmp_path) == 0
    assert read_oom_kills(pid=2**22, cgroups=tmp_path) == 0
