"""The spool: one whole line an event, in order, readable while it grows."""

import resource
from pathlib import Path

import pytest

from trainer_service.event_spool import EventSpool
from trainer_service.jobs import Cancelled, JobEvent, JobMessage, LastWord, parse_spool_line


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
