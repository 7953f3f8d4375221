"""Watching: ordered, unique, without gaps, resumable, with bookmarks and a typed end."""

import threading
import time

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from tests.fakes.authority import Issuer
from tests.fakes.guarded_server import bearer, doors_of
from tests.trainer_service.api.conftest import Trainer
from trainer_service.jobs import JobMessage, JobState, SpoolLine
from vertebra.model.v1.stream_pb2 import StreamEnd
from vertebra.trainer.v1 import train_job_service_pb2 as pb

CODE = grpc.StatusCode


def watch(trainer, job_id, *, after_seq=0, log_id="", heartbeat_s=0, max_duration_s=0.0):
    request = pb.WatchTrainJobRequest(name=job_id, after_seq=after_seq, log_id=log_id)
    if heartbeat_s:
        request.heartbeat.CopyFrom(Duration(seconds=heartbeat_s))
    if max_duration_s:
        request.max_duration.FromMilliseconds(int(max_duration_s * 1000))
    return trainer.stub.WatchTrainJob(request, timeout=60)


def seqs(messages):
    return [event.seq for message in messages for event in message.events.events]


def listed(trainer, job_id, *, after_seq=0, wait_s=0, **fields):
    request = pb.ListTrainJobEventsRequest(name=job_id, after_seq=after_seq, **fields)
    if wait_s:
        request.wait.CopyFrom(Duration(seconds=wait_s))
    return trainer.stub.ListTrainJobEvents(request, timeout=60)


def test_a_finished_job_is_replayed_whole_and_completed(trainer):
    job_id = trainer.running()
    trainer.steps(job_id, 1, 1200)
    trainer.finish(job_id)

    messages = list(watch(trainer, job_id))

    last_seq = trainer.store.find_job(job_id).last_seq
    assert seqs(messages) == list(range(1, last_seq + 1))
    assert messages[-1].end.reason == StreamEnd.REASON_COMPLETED
    assert messages[-1].end.resume_after == last_seq
    assert {message.log_id for message in messages} == {trainer.store.log_id}
    assert len(messages) > 2, "more than one batch is needed to see a gap between two"


def test_events_arrive_while_they_happen(trainer):
    job_id = trainer.running()
    stream = watch(trainer, job_id)
    received = seqs([next(stream)])

    trainer.steps(job_id, 1, 2)
    received += seqs([next(stream)])
    trainer.finish(job_id)
    received += seqs(stream)

    assert received == list(range(1, trainer.store.find_job(job_id).last_seq + 1))


def test_many_watchers_see_the_same_whole_log_while_it_grows(trainer, counted):
    job_id = trainer.running()
    logs: list[list[int]] = []
    watchers = [
        threading.Thread(target=lambda: logs.append(seqs(watch(trainer, job_id)))) for _ in range(8)
    ]
    for watcher in watchers:
        watcher.start()

    for number in range(1, 60):
        trainer.steps(job_id, number, number)
    trainer.finish(job_id)
    for watcher in watchers:
        watcher.join(60)

    whole = list(range(1, trainer.store.find_job(job_id).last_seq + 1))
    assert logs == [whole] * 8
    counted(watchers=len(logs), events=len(whole))


def test_a_stream_resumes_after_any_position(trainer):
    job_id = trainer.running()
    trainer.steps(job_id, 1, 5)
    trainer.finish(job_id)
    last_seq = trainer.store.find_job(job_id).last_seq

    for after_seq in range(last_seq + 1):
        stream = watch(trainer, job_id, after_seq=after_seq, log_id=trainer.store.log_id)
        assert seqs(stream) == list(range(after_seq + 1, last_seq + 1))


def test_a_silent_stream_has_bookmarks_at_its_position(trainer):
    job_id = trainer.running()
    stream = watch(trainer, job_id, heartbeat_s=1)
    next(stream)

    bookmarks = [next(stream), next(stream)]

    last_seq = trainer.store.find_job(job_id).last_seq
    assert [message.bookmark.seq for message in bookmarks] == [last_seq, last_seq]
    assert bookmarks[0].bookmark.server_time.seconds > 0
    stream.cancel()


def test_a_stream_ends_with_the_token_that_opened_it(tmp_path, counted):
    """A clock that is late lets an expired token in; then it expires at once."""
    issuer = Issuer()
    (tmp_path / "access").write_text(
        "".join(f'[[caller]]\nname = "{who}"\nroles = ["user"]\n' for who in ("jwt:*", "anonymous"))
    )
    trainer = Trainer(tmp_path, doors=doors_of(tmp_path / "access", issuer, late_s=1000))
    job_id = trainer.running()
    token = bearer(issuer.token(exp=int(time.time()) - 100))

    (message,) = trainer.stub.WatchTrainJob(
        pb.WatchTrainJobRequest(name=job_id, after_seq=1), metadata=[token], timeout=60
    )

    assert message.end.reason == StreamEnd.REASON_AUTH_EXPIRED
    assert message.end.resume_after == 1
    trainer.close()
    counted(streams_ended_with_their_token=1)


def test_a_stream_rotates_with_its_cursor(trainer):
    job_id = trainer.running()

    messages = list(watch(trainer, job_id, max_duration_s=0.3))

    assert messages[-1].end.reason == StreamEnd.REASON_ROTATE
    assert messages[-1].end.resume_after == trainer.store.find_job(job_id).last_seq


def test_a_drain_ends_watchers_at_once_with_their_cursor(trainer):
    job_id = trainer.running()
    stream = watch(trainer, job_id)
    next(stream)

    trainer.begin_drain()
    (end,) = list(stream)

    assert end.end.reason == StreamEnd.REASON_DRAINING
    assert end.end.resume_after == trainer.store.find_job(job_id).last_seq


def test_a_slow_reader_is_sent_away_with_its_cursor(impatient_trainer):
    job_id = impatient_trainer.running()

    first, end = list(watch(impatient_trainer, job_id))

    assert end.end.reason == StreamEnd.REASON_SLOW_CONSUMER
    assert end.end.resume_after == first.events.events[-1].seq


def test_a_reader_that_stalls_does_not_hold_up_the_job(trainer):
    job_id = trainer.running()
    stalled = watch(trainer, job_id)
    began = time.monotonic()

    for number in range(1, 20):
        trainer.steps(job_id, number * 500 - 499, number * 500)
    trainer.finish(job_id)

    assert time.monotonic() - began < 60
    assert trainer.stub.GetTrainJob(pb.GetTrainJobRequest(name=job_id), timeout=60).job.last_seq
    stalled.cancel()


@pytest.mark.parametrize("open_stream", [watch, listed], ids=["watch", "list"])
def test_a_cursor_ahead_of_the_log_is_refused(trainer, refused, open_stream):
    job_id = trainer.running()

    failure = refused(lambda: list_of(open_stream(trainer, job_id, after_seq=99)))

    assert (failure.code, failure.reason) == (CODE.OUT_OF_RANGE, "CURSOR_AHEAD")
    assert failure.metadata["newest_seq"] == "4"


@pytest.mark.parametrize("open_stream", [watch, listed], ids=["watch", "list"])
def test_a_cursor_of_another_log_is_refused(trainer, refused, open_stream):
    job_id = trainer.running()

    failure = refused(lambda: list_of(open_stream(trainer, job_id, after_seq=1, log_id="other")))

    assert (failure.code, failure.reason) == (CODE.OUT_OF_RANGE, "LOG_REPLACED")


@pytest.mark.parametrize("open_stream", [watch, listed], ids=["watch", "list"])
def test_a_cursor_behind_what_is_kept_is_told_where_to_go_on(
    trainer, refused, open_stream, counted
):
    job_id = trainer.running()
    trainer.steps(job_id, 1, 50)
    trainer.store.compact(job_id, 10)
    ends = trainer.store.log_ends(job_id)

    failure = refused(lambda: list_of(open_stream(trainer, job_id, after_seq=0)))
    trainer.finish(job_id)
    kept = list_of(open_stream(trainer, job_id, after_seq=ends.first_seq - 1))

    assert ends.first_seq > 1
    assert (failure.code, failure.reason) == (CODE.OUT_OF_RANGE, "CURSOR_COMPACTED")
    assert failure.metadata["oldest_seq"] == str(ends.first_seq)
    found = seqs(kept) if isinstance(kept, list) else [event.seq for event in kept.events]
    assert found == list(range(ends.first_seq, ends.last_seq + 2))
    counted(refused_cursors=1, events_from_there=len(found))


def test_a_job_that_is_resumed_after_its_end_is_watched_on_from_there(trainer):
    job_id = trainer.running()
    trainer.finish(job_id, JobState.FAILED)
    first = list(watch(trainer, job_id))
    end = first[-1].end

    trainer.steered("Resume", job_id)
    trainer.store.move(trainer.claim(job_id), JobState.RUNNING)
    trainer.finish(job_id)
    second = list(watch(trainer, job_id, after_seq=end.resume_after))

    assert end.reason == second[-1].end.reason == StreamEnd.REASON_COMPLETED
    last_seq = trainer.store.find_job(job_id).last_seq
    assert seqs(first) + seqs(second) == list(range(1, last_seq + 1))


def test_a_watched_job_that_is_deleted_ends_its_stream_with_that(trainer, refused):
    job_id = trainer.create().job.job_id
    trainer.steered("Pause", job_id)
    stream = watch(trainer, job_id)
    next(stream)

    trainer.steered("Delete", job_id)

    assert refused(lambda: list(stream)).reason == "JOB_NOT_FOUND"


def test_large_events_come_in_messages_that_every_client_takes(trainer):
    """A message of 500 such events would be 50 MB; clients take 4 MiB."""
    job_id = trainer.running()
    lines = [
        SpoolLine(index=index, time=1.0, event=JobMessage(text="x" * 100_000))
        for index in range(100)
    ]
    trainer.store.append_lines(trainer.hold(job_id), lines)
    trainer.finish(job_id)

    streamed = list(watch(trainer, job_id))
    page = listed(trainer, job_id, page_size=5000)

    last_seq = trainer.store.find_job(job_id).last_seq
    assert seqs(streamed) == list(range(1, last_seq + 1))
    assert max(message.ByteSize() for message in streamed) < 2 << 20
    assert page.ByteSize() < 4 << 20
    assert [event.seq for event in page.events] == list(range(1, len(page.events) + 1))


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [({"after_seq": -1}, "after_seq"), ({"heartbeat_s": 61}, "heartbeat")],
)
def test_what_no_stream_can_do_is_refused(trainer, refused, fields, wrong):
    job_id = trainer.running()

    failure = refused(lambda: list(watch(trainer, job_id, **fields)))

    assert failure.reason == "FIELD_INVALID"
    assert [one.field for one in failure.violations] == [wrong]


def test_the_unary_twin_has_the_same_events_in_pages(trainer):
    job_id = trainer.running()
    trainer.steps(job_id, 1, 7)
    trainer.finish(job_id)
    last_seq = trainer.store.find_job(job_id).last_seq
    streamed = [e for m in watch(trainer, job_id) for e in m.events.events]

    first = listed(trainer, job_id, page_size=5)
    second = listed(trainer, job_id, after_seq=5)

    assert [*first.events, *second.events] == streamed
    assert first.last_seq == second.last_seq == last_seq
    assert first.is_final


def test_the_unary_twin_waits_for_the_first_event(trainer):
    job_id = trainer.running()
    newest = trainer.store.find_job(job_id).last_seq
    at_once = listed(trainer, job_id, after_seq=newest)
    later = threading.Timer(0.3, lambda: trainer.steps(job_id, 1, 1))
    later.start()

    waited = listed(trainer, job_id, after_seq=newest, wait_s=20)
    later.join()

    assert not at_once.events
    assert [event.step_metrics.step for event in waited.events] == [1]
    assert not waited.is_final


def list_of(answer):
    """Take a stream to its end; a unary answer is whole already."""
    return list(answer) if hasattr(answer, "__next__") else answer
