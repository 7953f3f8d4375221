"""The checker finds every broken promise, names it, and finds none where all were kept."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.fakes.fake_trainer import FakeTrainer, epoch, step, training_script
from vertebra.client_errors import AnswerRefused
from vertebra.event_cursor import EventCursor
from vertebra.model.v1 import stream_pb2
from vertebra.trainer.v1 import train_event_pb2 as events
from vertebra.trainer.v1 import train_job_service_pb2 as wire
from vertebra.trainer_client import TrainerClient
from vertebra.watch_checker import Guarantee, violations
from vertebra.watch_record import RecordedCursor, WatchOpening, read_record, write_record

END = stream_pb2.StreamEnd

Messages = Iterable[wire.WatchTrainJobResponse]


def told(*seqs: int, log_id: str = "log") -> wire.WatchTrainJobResponse:
    """Return a batch of the script's events."""
    script = training_script()
    batch = wire.EventBatch(events=[script[seq - 1] for seq in seqs])
    return wire.WatchTrainJobResponse(log_id=log_id, events=batch)


def bookmark(seq: int) -> wire.WatchTrainJobResponse:
    return wire.WatchTrainJobResponse(log_id="log", bookmark=wire.Bookmark(seq=seq))


def end(reason: END.Reason, seq: int) -> wire.WatchTrainJobResponse:
    return wire.WatchTrainJobResponse(log_id="log", end=END(reason=reason, resume_after=seq))


def opening(after_seq: int, messages: Messages, **more: object) -> WatchOpening:
    found = WatchOpening(after_seq=after_seq, **more)  # type: ignore[arg-type]
    for at_s, message in enumerate(messages):
        found.tell(message, float(at_s))
    return found


def changed(seq: int, event: events.TrainEvent) -> wire.WatchTrainJobResponse:
    """Return a batch with another event under this number."""
    event.seq, event.attempt = seq, 1
    return wire.WatchTrainJobResponse(log_id="log", events=wire.EventBatch(events=[event]))


ROTATE, COMPLETED = END.REASON_ROTATE, END.REASON_COMPLETED
ALL = range(1, 16)

KEPT = {
    "in one go": [opening(0, [told(*ALL), bookmark(15), end(COMPLETED, 15)], status="OK")],
    "cut and rotated": [
        opening(0, [told(1, 2), bookmark(2), told(3)], status="UNAVAILABLE"),
        opening(3, [bookmark(3), bookmark(3), end(ROTATE, 3)], status="OK"),
        opening(3, [told(*range(4, 16)), end(COMPLETED, 15)], status="OK"),
    ],
    "read again from before": [
        opening(0, [told(1, 2, 3)]),
        opening(1, [told(2, 3, 4)]),
    ],
    "compacted": [
        opening(0, [], reason="CURSOR_COMPACTED", oldest_seq=7, status="OUT_OF_RANGE"),
        opening(6, [told(*range(7, 16)), end(COMPLETED, 15)], status="OK"),
    ],
    "from the middle": [opening(12, [told(13, 14, 15), end(COMPLETED, 15)], status="OK")],
}

BROKEN: dict[str, tuple[Guarantee, str, list[WatchOpening]]] = {
    "back": (Guarantee.ORDERED, "event 2 came after 3", [opening(0, [told(1, 3), told(2)])]),
    "twice": (Guarantee.UNIQUE, "event 2 came twice", [opening(0, [told(1, 2), told(2, 3)])]),
    "unasked": (
        Guarantee.UNIQUE,
        "event 2 came though those after 2 were wanted",
        [opening(0, [told(1, 2)]), opening(2, [told(2, 3)])],
    ),
    "changed": (
        Guarantee.UNIQUE,
        "event 6 is not what it was before",
        [opening(5, [told(6)]), opening(5, [changed(6, step(1, 1, 9.9))])],
    ),
    "gap": (Guarantee.RELIABLE, "events 2 to 3 never came", [opening(0, [told(1, 4)])]),
    "first missing": (Guarantee.RELIABLE, "event 4 never came", [opening(3, [told(5)])]),
    "skipped": (
        Guarantee.RELIABLE,
        "events 3 to 5 were skipped",
        [opening(0, [told(1, 2)]), opening(5, [told(6)])],
    ),
    "not complete": (
        Guarantee.RELIABLE,
        "COMPLETED, but events 3 to 9 never came",
        [opening(0, [told(1, 2), end(COMPLETED, 9)])],
    ),
    "split step": (
        Guarantee.ATOMIC,
        "events 6 and 7 both have the numbers of step 1 of attempt 1",
        [opening(5, [told(6), changed(7, step(1, 1, 2.3))])],
    ),
    "split pass": (
        Guarantee.ATOMIC,
        "both have the numbers of epoch 1, split 'train'",
        [opening(7, [told(8), changed(9, epoch(1, "train", 1.7, 0.5))])],
    ),
    "wrong cursor": (
        Guarantee.RESUMABLE,
        "ROTATE says to resume after 4; 2 was the last",
        [opening(0, [told(1, 2), end(ROTATE, 4)])],
    ),
    "another log": (
        Guarantee.RESUMABLE,
        "log 'log' became 'new'",
        [opening(0, [told(1)]), opening(1, [told(2, log_id="new")])],
    ),
    "refused": (
        Guarantee.RESUMABLE,
        "the cursor 2 was refused with CURSOR_AHEAD",
        [opening(0, [told(1, 2)]), opening(2, [], reason="CURSOR_AHEAD")],
    ),
    "no end": (
        Guarantee.RESUMABLE,
        "ended with OK and without saying why",
        [opening(0, [told(1)], status="OK")],
    ),
    "end without reason": (
        Guarantee.RESUMABLE,
        "without a reason",
        [opening(0, [told(1), end(END.REASON_UNSPECIFIED, 1)])],
    ),
    "after the end": (
        Guarantee.RESUMABLE,
        "a message came after the end",
        [opening(0, [told(1), end(ROTATE, 1), bookmark(1)])],
    ),
    "bookmark ahead": (
        Guarantee.BOOKMARKABLE,
        "a bookmark at 3 came before events 2 to 3",
        [opening(0, [told(1), bookmark(3), told(2, 3)])],
    ),
    "bookmark back": (
        Guarantee.BOOKMARKABLE,
        "a bookmark at 1 came after one at 2",
        [opening(0, [told(1, 2), bookmark(2), bookmark(1)])],
    ),
}


@pytest.mark.parametrize("name", KEPT)
def test_a_watch_that_kept_its_promises_has_no_violation(name: str) -> None:
    assert violations(KEPT[name], training_script()) == []


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_promise_is_named_with_its_opening(name: str) -> None:
    guarantee, text, openings = BROKEN[name]

    found = violations(openings)

    assert guarantee in {one.guarantee for one in found}
    assert any(one.guarantee is guarantee and text in one.text for one in found), found
    where = 0 if guarantee is Guarantee.ATOMIC else len(openings)
    assert found[-1].opening == where


def test_every_promise_has_a_history_that_breaks_it() -> None:
    assert {guarantee for guarantee, _, _ in BROKEN.values()} == set(Guarantee)


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (lambda log: log[4].message.SetInParent(), "event 5 is stored as something else"),
        (lambda log: log.pop(4), "event 5 came and is not stored"),
    ],
)
def test_what_came_is_compared_with_what_is_stored(
    spoil: Callable[[list[events.TrainEvent]], object], text: str
) -> None:
    log = training_script()
    spoil(log)

    (found,) = violations(KEPT["in one go"], log)

    assert (found.guarantee, found.text) == (Guarantee.RELIABLE, text)


def test_stored_events_that_never_came_are_missing_once_a_watch_is_complete() -> None:
    log = training_script()
    complete = [opening(0, [told(*range(1, 13)), end(COMPLETED, 12)], status="OK")]
    cut = [opening(0, [told(*range(1, 13))], status="UNAVAILABLE")]

    (found,) = violations(complete, log)

    assert str(found) == "Reliable: events 13 to 15 are stored and never came"
    assert violations(cut, log) == []


def test_a_record_survives_its_file(tmp_path: Path) -> None:
    for openings in (*KEPT.values(), *(broken for _, _, broken in BROKEN.values())):
        write_record(tmp_path / "record", openings)

        assert read_record(tmp_path / "record") == openings


@pytest.mark.parametrize(
    "line", ["{", '{"message": {}, "at_s": 0}', '{"opening": {"seq": 1}}', "7"]
)
def test_a_file_that_is_no_record_says_which_line(tmp_path: Path, line: str) -> None:
    (tmp_path / "record").write_text(f"{line}\n")

    with pytest.raises(ValueError, match="line 1 is not of a recorded watch"):
        read_record(tmp_path / "record")


@pytest.mark.parametrize("how", ["unavailable", "rotate", "silent"])
def test_a_client_that_resumes_is_recorded_opening_by_opening(
    trainer: FakeTrainer, trainer_client: TrainerClient, how: str
) -> None:
    trainer.keep("abcd")
    trainer.break_every, trainer.break_how = 4, how
    openings: list[WatchOpening] = []

    list(trainer_client.watch("abcd", record=openings))

    assert [one.after_seq for one in openings] == [0, 4, 8, 12]
    assert violations(openings, trainer.script) == []


def test_a_compacted_log_is_recorded_with_what_is_left_of_it(
    trainer: FakeTrainer, trainer_client: TrainerClient
) -> None:
    trainer.keep("abcd")
    trainer.compacted = 6
    openings: list[WatchOpening] = []

    list(trainer_client.watch("abcd", record=openings))

    assert [(one.after_seq, one.oldest_seq) for one in openings] == [(0, 7), (6, 0)]
    assert violations(openings, trainer.script[6:]) == []


@pytest.mark.parametrize(
    ("lie", "guarantee"),
    [
        ("gap", Guarantee.RELIABLE),
        ("repeat", Guarantee.UNIQUE),
        ("bookmark", Guarantee.BOOKMARKABLE),
        ("end", Guarantee.RESUMABLE),
    ],
)
def test_what_a_client_refuses_is_in_its_record(
    trainer: FakeTrainer, trainer_client: TrainerClient, lie: str, guarantee: Guarantee
) -> None:
    trainer.keep("abcd")
    trainer.lie = lie
    openings: list[WatchOpening] = []

    with pytest.raises(AnswerRefused):
        list(trainer_client.watch("abcd", record=openings))

    assert violations(openings)[0].guarantee is guarantee


def test_recording_changes_nothing_for_the_reader() -> None:
    openings: list[WatchOpening] = []
    cursor = RecordedCursor(EventCursor("abcd"), openings, clock=lambda: 7.0)

    cursor.request()
    taken = list(cursor.take(told(1, 2)))

    assert [event.seq for event in taken] == [1, 2]
    assert (openings[0].opened_s, openings[0].messages[0].at_s) == (7.0, 7.0)
