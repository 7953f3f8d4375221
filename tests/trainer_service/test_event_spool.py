"""The spool: one whole line an event, in order, readable while it grows."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.small_disk import on_a_small_disk
from trainer_service.event_spool import EventSpool
from trainer_service.jobs import Cancelled, JobEvent, JobMessage, LastWord, parse_spool_line

ROOT = Path(__file__).parents[2]


def test_events_are_lines_counted_from_zero(tmp_path: Path) -> None:
    path = tmp_path / "spool.jsonl"
    events: list[JobEvent | LastWord] = [
        JobMessage(text="one"),
        JobMessage(text="zwei ü\n"),
        Cancelled(),
    ]

    with EventSpool(path) as spool:
        for number, event in enumerate(events, start=1):
            spool.write(event)
            assert path.read_bytes().count(b"\n") == number  # readable at once

    lines = [parse_spool_line(line) for line in path.read_bytes().splitlines()]
    assert [line.index for line in lines] == [0, 1, 2]
    assert [line.event for line in lines] == events
    assert [line.time for line in lines] == sorted(line.time for line in lines)


def test_an_attempt_has_one_spool(tmp_path: Path) -> None:
    EventSpool(tmp_path / "spool.jsonl").__exit__(None, None, None)

    with pytest.raises(FileExistsError):
        EventSpool(tmp_path / "spool.jsonl")


def test_half_a_line_of_a_full_disk_does_not_spoil_the_next_one(tmp_path: Path) -> None:
    """The last word is short and often finds room where an event did not."""
    path = tmp_path / "spool.jsonl"
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    with EventSpool(path) as spool:
        spool.write(JobMessage(text="one"))
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, usual[1]))
        try:
            with pytest.raises(OSError, match="too large"):
                spool.write(JobMessage(text="x" * 10_000))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, usual)
        spool.write(Cancelled())

    lines = [parse_spool_line(line) for line in path.read_bytes().splitlines()]
    assert [(line.index, line.event) for line in lines] == [
        (0, JobMessage(text="one")),
        (1, Cancelled()),
    ]


ON_A_FULL_DISK = """
import errno, os, sys
from pathlib import Path
from trainer_service.event_spool import EventSpool
from trainer_service.jobs import Cancelled, JobMessage

path = Path(sys.argv[1]) / "spool.jsonl"
if sys.argv[2] == "naive":
    EventSpool._take_reserve = lambda spool: None
refusals = []
with EventSpool(path) as spool:
    with open(path.with_name("other"), "wb", buffering=0) as other:
        for size in (4096, 1):
            try:
                while other.write(bytes(size)) == size:
                    pass
            except OSError as error:
                assert error.errno == errno.ENOSPC
    for event in (JobMessage(text="x" * 10_000), Cancelled()):
        try:
            spool.write(event)
        except OSError as error:
            refusals.append(type(event).__name__)
print(refusals, len(path.read_bytes().splitlines()))
"""


@pytest.mark.parametrize(
    ("way", "expected"),
    [("naive", "['JobMessage', 'Cancelled'] 0\n"), ("ours", "['JobMessage'] 1\n")],
)
def test_the_last_word_finds_room_on_a_disk_that_is_full(
    tmp_path: Path, way: str, expected: str
) -> None:
    """A file system without a free block: without a reserve the worker would die in silence."""
    program = [sys.executable, "-c", ON_A_FULL_DISK, str(tmp_path), way]
    command = on_a_small_disk(tmp_path, 1 << 20, program)

    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert said.stdout == expected, said.stderr


def test_an_ended_spool_leaves_no_reserve(tmp_path: Path) -> None:
    with EventSpool(tmp_path / "spool.jsonl"):
        assert len(list(tmp_path.iterdir())) == 2

    assert [path.name for path in tmp_path.iterdir()] == ["spool.jsonl"]
