"""What a worker writes down of its spans: whole lines, also when it is killed, and none where
nobody wants to know."""

from dataclasses import dataclass

import pytest

from trainer_service.jobs import EpochMetrics
from trainer_service.jobs.trace import SPANS_FILE, parse_span_line
from trainer_service.stop_switch import StopRequested
from trainer_service.supervisor.span_lines import SpanLines
from trainer_service.work_spans import WorkSpans, spans_of

PARENT = "00000000000000aa"


@dataclass(frozen=True, slots=True)
class Order:
    """What an order says of spans."""

    span_parent: str
    spans_file: str


@pytest.fixture
def spans(tmp_path):
    return WorkSpans(tmp_path / SPANS_FILE, PARENT)


def lines(tmp_path):
    return [parse_span_line(line) for line in (tmp_path / SPANS_FILE).read_bytes().splitlines()]


def epoch(number: int) -> EpochMetrics:
    return EpochMetrics(epoch=number, split="train", values={"loss": 0.5}, step=number)


def test_a_span_has_two_lines_and_what_is_inside_is_below_it(spans, tmp_path):
    with spans.span("train"):
        spans.telling(lambda _: None)(epoch(1))

    begun, of_epoch, ended = lines(tmp_path)
    assert (begun.end_s, begun.span_id) == (None, ended.span_id)
    assert of_epoch.parent_id == ended.span_id and ended.parent_id == PARENT
    assert of_epoch.attributes == {"loss": 0.5, "epoch": 1, "step": 1}
    assert ended.start_s <= of_epoch.start_s <= of_epoch.end_s <= ended.end_s


def test_what_fails_says_so_and_what_is_told_to_stop_does_not(spans, tmp_path):
    with pytest.raises(ZeroDivisionError):
        spans.timed("check data", lambda: 1 / 0)
    with pytest.raises(StopRequested), spans.span("train"):
        raise StopRequested

    assert [line.error for line in lines(tmp_path) if line.end_s] == ["ZeroDivisionError", ""]


def test_nothing_is_written_where_nobody_wants_to_know(tmp_path):
    emit, path = print, str(tmp_path / SPANS_FILE)

    silent = [
        spans_of(Order("", path), is_first=True),
        spans_of(Order(PARENT, path), is_first=False),
    ]
    for spans in silent:
        with spans.span("train"):
            assert spans.telling(emit) is emit

    assert not (tmp_path / SPANS_FILE).exists()


def test_a_disk_that_refuses_ends_the_spans_and_not_the_work(tmp_path):
    spans = WorkSpans(tmp_path / "no such folder" / SPANS_FILE, PARENT)

    assert spans.timed("train", lambda: 3) == 3


def test_a_reader_gets_each_span_once_over_restarts_and_knows_what_was_lost(spans, tmp_path):
    first = SpanLines(tmp_path)
    killed = spans.span("train")
    killed.__enter__()
    spans.note("train epoch", 1.0, {})
    names = [span.name for span in first.read()]
    spans.note("validate", 2.0, {})

    again = SpanLines(tmp_path)
    names += [span.name for span in again.read()]

    assert names == ["train epoch", "validate"]
    assert [span.name for span in again.open] == ["train"]
    assert again.read() == SpanLines(tmp_path).read() == []


def test_half_a_line_waits_and_a_line_that_is_none_is_passed_over(spans, tmp_path):
    spans.note("a", 1.0, {})
    with (tmp_path / SPANS_FILE).open("ab") as file:
        file.write(b"no json\n" + b'{"span_id": 3}\n' + b'{"span_id": "half')

    reader = SpanLines(tmp_path)

    assert [span.name for span in reader.read()] == ["a"]
    assert reader.read() == []
