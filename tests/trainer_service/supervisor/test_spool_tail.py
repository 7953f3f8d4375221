"""A spool is read once: what is stored already is skipped without parsing it."""

import pytest

from tests.fakes.job_values import step
from trainer_service.errors import SpoolGap
from trainer_service.jobs import Cancelled, SpoolLine, format_spool_line
from trainer_service.supervisor import spool_tail
from trainer_service.supervisor.spool_tail import SpoolTail


def spool_of(folder, count, *, ends=False):
    path = folder / "spool.jsonl"
    events = [step(number + 1) for number in range(count)] + ([Cancelled()] if ends else [])
    lines = [SpoolLine(index=at, time=at, event=event) for at, event in enumerate(events)]
    path.write_bytes(b"".join(format_spool_line(line) for line in lines))
    return path


@pytest.mark.parametrize("chunk_bytes", [7, 100, 1000, 1 << 20])
@pytest.mark.parametrize("num_stored", [0, 1, 7, 19, 20])
def test_reading_goes_on_behind_what_is_stored(tmp_path, monkeypatch, chunk_bytes, num_stored):
    monkeypatch.setattr(spool_tail, "MAX_BYTES", chunk_bytes)
    tail = SpoolTail(spool_of(tmp_path, 20))

    tail.skip(num_stored)

    read = []
    while lines := tail.read():
        read += lines
    assert [line.index for line in read] == list(range(num_stored, 20))


@pytest.mark.parametrize("recent_bytes", [1, 500, 1 << 20])
def test_the_newest_stored_lines_show_how_fast_the_worker_is(tmp_path, monkeypatch, recent_bytes):
    monkeypatch.setattr(spool_tail, "RECENT_BYTES", recent_bytes)
    tail = SpoolTail(spool_of(tmp_path, 20))

    recent = [line.index for line in tail.skip(15)]

    assert recent == list(range(15))[15 - len(recent) :]
    assert len(recent) == {1: 0, 500: 3, 1 << 20: 15}[recent_bytes]


def test_a_last_word_behind_what_is_stored_is_heard(tmp_path):
    tail = SpoolTail(spool_of(tmp_path, 3, ends=True))

    tail.skip(3)

    assert tail.read() == []
    assert tail.last_word == Cancelled()


def test_a_spool_that_lost_its_end_with_the_power_has_nothing_new(tmp_path):
    tail = SpoolTail(spool_of(tmp_path, 3))

    tail.skip(10)

    assert tail.read() == []


def test_a_long_spool_is_skipped_without_parsing_it(tmp_path, monkeypatch):
    parsed = []
    monkeypatch.setattr(
        spool_tail, "parse_spool_line", lambda text: parsed.append(text) or pytest.fail("parsed")
    )
    monkeypatch.setattr(spool_tail, "RECENT_BYTES", 0)

    SpoolTail(spool_of(tmp_path, 2000)).skip(2000)

    assert parsed == []


def test_a_line_that_is_no_event_is_named_once_what_is_before_it_was_read(tmp_path):
    path = spool_of(tmp_path, 5)
    path.write_bytes(path.read_bytes() + b"\0\0\0\n")
    tail = SpoolTail(path)

    assert [line.index for line in tail.read()] == [0, 1, 2, 3, 4]
    with pytest.raises(SpoolGap, match=r"spool\.jsonl has a line that is no event"):
        tail.read()


def test_stored_lines_of_which_the_disk_lost_the_end_are_skipped(tmp_path):
    path = spool_of(tmp_path, 5)
    path.write_bytes(path.read_bytes() + b"\0\0\0")

    assert [line.index for line in SpoolTail(path).skip(10)] == [0, 1, 2, 3, 4]
