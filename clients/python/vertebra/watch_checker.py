"""Says whether a recorded watch kept the six promises of WatchTrainJob.

Ordered, Unique, Reliable, Atomic, Resumable, Bookmarkable: each broken promise is named, with the
opening in which it was broken. Pure: a record in, violations out.

Source: etcd, tests/robustness/validate/watch.go, whose names these are.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from vertebra.model.v1 import stream_pb2
from vertebra.trainer.v1 import train_event_pb2 as events
from vertebra.trainer.v1 import train_job_service_pb2 as wire
from vertebra.watch_record import WatchOpening

COMPLETED = stream_pb2.StreamEnd.REASON_COMPLETED


class Guarantee(StrEnum):
    """What a watch promises."""

    ORDERED = "Ordered"
    """Events of an opening come with growing seq."""
    UNIQUE = "Unique"
    """No event comes twice or unasked, and every time it is read it is the same."""
    RELIABLE = "Reliable"
    """No event between two that came is missing; COMPLETED means that all came."""
    ATOMIC = "Atomic"
    """The numbers of one step, or of one pass over a split, come in one event."""
    RESUMABLE = "Resumable"
    """Every cursor that was given leads to exactly what follows it, in the same log."""
    BOOKMARKABLE = "Bookmarkable"
    """A bookmark at n comes after all events up to n, and none goes back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One broken promise. `opening` counts from 1; 0 means the record as a whole."""

    guarantee: Guarantee
    opening: int
    text: str

    def __str__(self) -> str:
        where = f" (opening {self.opening})" if self.opening else ""
        return f"{self.guarantee}: {self.text}{where}"


def violations(
    openings: Sequence[WatchOpening], log: Iterable[events.TrainEvent] = ()
) -> list[Violation]:
    """Return every broken promise in a record, in the order of what happened.

    Args:
        openings: of one watch of one job.
        log: the job's events as the store has them, to compare with; may be left out.
    """
    reading = _Reading()
    for number, opening in enumerate(openings, start=1):
        _read_opening(reading, opening, number)
    _check_atomic(reading)
    _check_log(reading, {event.seq: event for event in log})
    return reading.found


@dataclass(slots=True)
class _Reading:
    """What a reader knows by now."""

    found: list[Violation] = field(default_factory=list)
    events: dict[int, bytes] = field(default_factory=dict)
    """Seq -> the event as it came first."""
    log_id: str = ""
    number: int = 0
    first_wanted: int = 0
    """The oldest event that should have come; grows where the trainer said that some are gone."""
    highest: int = 0
    is_completed: bool = False

    def broken(self, guarantee: Guarantee, text: str) -> None:
        self.found.append(Violation(guarantee=guarantee, opening=self.number, text=text))


@dataclass(slots=True)
class _Position:
    """Where one opening stands."""

    last: int
    bookmark: int = 0
    has_ended: bool = False
    seen: set[int] = field(default_factory=set)


def _read_opening(reading: _Reading, opening: WatchOpening, number: int) -> None:
    reading.number = number
    if number == 1:
        reading.first_wanted = opening.after_seq + 1
        reading.highest = opening.after_seq
    _check_cursor(reading, opening)
    position = _Position(last=opening.after_seq, bookmark=opening.after_seq)
    for told in opening.messages:
        _read_message(reading, position, told.message)
    if opening.status == "OK" and not position.has_ended:
        reading.broken(Guarantee.RESUMABLE, "the stream ended with OK and without saying why")
    if opening.reason == "CURSOR_COMPACTED":
        reading.highest = max(reading.highest, opening.oldest_seq - 1)
        reading.first_wanted = max(reading.first_wanted, opening.oldest_seq)


def _check_cursor(reading: _Reading, opening: WatchOpening) -> None:
    """Check that the reader asked for what follows, and that a cursor it was given is taken."""
    if opening.after_seq > reading.highest:
        gap = _range(reading.highest + 1, opening.after_seq)
        reading.broken(Guarantee.RELIABLE, f"{gap} were skipped: the cursor is behind them")
    if opening.reason in ("CURSOR_AHEAD", "LOG_REPLACED") and opening.after_seq in reading.events:
        told = f"the cursor {opening.after_seq} was refused with {opening.reason}"
        reading.broken(Guarantee.RESUMABLE, f"{told}, though that event had come")


def _read_message(
    reading: _Reading, position: _Position, message: wire.WatchTrainJobResponse
) -> None:
    if position.has_ended:
        reading.broken(Guarantee.RESUMABLE, "a message came after the end")
    if message.log_id:
        if reading.log_id not in ("", message.log_id):
            told = f"log {reading.log_id!r} became {message.log_id!r}"
            reading.broken(Guarantee.RESUMABLE, f"{told} without LOG_REPLACED")
        reading.log_id = message.log_id
    for event in message.events.events:
        _read_event(reading, position, event)
    if message.HasField("bookmark"):
        _read_bookmark(reading, position, message.bookmark.seq)
    if message.HasField("end"):
        _read_end(reading, position, message.end)


def _read_event(reading: _Reading, position: _Position, event: events.TrainEvent) -> None:
    seq, last = event.seq, position.last
    if seq in position.seen:
        reading.broken(Guarantee.UNIQUE, f"event {seq} came twice")
    elif seq < last and position.seen:
        reading.broken(Guarantee.ORDERED, f"event {seq} came after {last}")
    elif seq <= last:
        reading.broken(Guarantee.UNIQUE, f"event {seq} came though those after {last} were wanted")
    elif seq > last + 1:
        reading.broken(Guarantee.RELIABLE, f"{_range(last + 1, seq - 1)} never came")
    content = event.SerializeToString(deterministic=True)
    if reading.events.setdefault(seq, content) != content:
        reading.broken(Guarantee.UNIQUE, f"event {seq} is not what it was before")
    position.seen.add(seq)
    position.last = max(last, seq)
    reading.highest = max(reading.highest, seq)


def _read_bookmark(reading: _Reading, position: _Position, seq: int) -> None:
    if seq > position.last:
        gap = _range(position.last + 1, seq)
        reading.broken(Guarantee.BOOKMARKABLE, f"a bookmark at {seq} came before {gap}")
    if seq < position.bookmark:
        told = f"a bookmark at {seq} came after one at {position.bookmark}"
        reading.broken(Guarantee.BOOKMARKABLE, told)
    position.bookmark = max(position.bookmark, seq)


def _read_end(reading: _Reading, position: _Position, end: stream_pb2.StreamEnd) -> None:
    position.has_ended = True
    reason = stream_pb2.StreamEnd.Reason.Name(end.reason).removeprefix("REASON_")
    if end.reason == stream_pb2.StreamEnd.REASON_UNSPECIFIED:
        reading.broken(Guarantee.RESUMABLE, "the stream ended without a reason")
    if end.resume_after != position.last:
        told = f"{reason} says to resume after {end.resume_after}; {position.last} was the last"
        reading.broken(Guarantee.RESUMABLE, told)
    if end.reason == COMPLETED:
        reading.is_completed = True
        if end.resume_after > position.last:
            gap = _range(position.last + 1, end.resume_after)
            reading.broken(Guarantee.RELIABLE, f"COMPLETED, but {gap} never came")


def _check_atomic(reading: _Reading) -> None:
    """Check that no step and no pass of an attempt has its numbers in two events."""
    reading.number = 0
    told: dict[str, int] = {}
    for seq in sorted(reading.events):
        event = events.TrainEvent.FromString(reading.events[seq])
        for what in _measured(event):
            if what in told:
                both = f"events {told[what]} and {seq}"
                reading.broken(Guarantee.ATOMIC, f"{both} both have the numbers of {what}")
            told[what] = seq


def _measured(event: events.TrainEvent) -> Iterator[str]:
    if event.HasField("step_metrics"):
        yield f"step {event.step_metrics.step} of attempt {event.attempt}"
    if event.HasField("epoch_metrics"):
        one = event.epoch_metrics
        yield f"epoch {one.epoch}, split {one.split!r}, of attempt {event.attempt}"


def _check_log(reading: _Reading, log: Mapping[int, events.TrainEvent]) -> None:
    """Compare what came with what the store has."""
    for seq, content in sorted(reading.events.items()):
        stored = log.get(seq)
        if stored is None and log and seq >= min(log):
            reading.broken(Guarantee.RELIABLE, f"event {seq} came and is not stored")
        if stored is not None and stored.SerializeToString(deterministic=True) != content:
            reading.broken(Guarantee.RELIABLE, f"event {seq} is stored as something else")
    last = max(log, default=0) if reading.is_completed else max(reading.events, default=0)
    wanted = set(range(reading.first_wanted, last + 1)) if log else set()
    for first, end in _runs(sorted((wanted & set(log)) - set(reading.events))):
        reading.broken(Guarantee.RELIABLE, f"{_range(first, end)} are stored and never came")


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last of every run of neighbours."""
    for _, run in itertools.groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        members = [number for _, number in run]
        yield members[0], members[-1]


def _range(first: int, last: int) -> str:
    return f"events {first} to {last}" if last > first else f"event {first}"
