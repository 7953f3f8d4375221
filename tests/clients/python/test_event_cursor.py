"""Watching a job of which the oldest events are not kept any more; and coming back for the rest."""

import grpc
import pytest

from tests.clients.python.conftest import QUICK, Serve
from tests.fakes.fake_server import running_server
from tests.fakes.fake_trainer import FakeTrainer, training_script
from vertebra.client_errors import RpcFailed
from vertebra.connection import Connection, Pace
from vertebra.event_cursor import EventCursor, EventGap, EventsCompacted
from vertebra.trainer.v1 import train_job_pb2 as jobs
from vertebra.trainer_client import TrainerClient

ALL = list(range(1, len(training_script()) + 1))


def test_a_watch_from_the_start_begins_at_the_oldest_event_that_is_kept(
    trainer: FakeTrainer, trainer_client: TrainerClient
) -> None:
    trainer.keep("abcd")
    trainer.compacted = 6

    seqs = [event.seq for event in trainer_client.watch("abcd")]

    assert seqs == ALL[6:]
    assert trainer.openings == [0, 6]


def test_a_watch_that_had_begun_does_not_skip_what_is_gone(
    trainer: FakeTrainer, trainer_client: TrainerClient
) -> None:
    trainer.keep("abcd")
    trainer.compacted = 6

    with pytest.raises(EventsCompacted, match="events 4 to 6 are not kept any more") as caught:
        list(trainer_client.watch("abcd", after_seq=3))

    assert caught.value.gap == EventGap(first_seq=4, last_seq=6)
    assert caught.value.metadata == {"oldest_seq": "7"}


def test_events_that_go_while_a_watch_is_away_are_told_to_who_asks(
    trainer: FakeTrainer, trainer_client: TrainerClient
) -> None:
    trainer.keep("abcd")
    trainer.break_every, trainer.break_how = 4, "rst"
    gaps: list[EventGap] = []
    seqs: list[int] = []

    for event in trainer_client.watch("abcd", on_gap=gaps.append):
        seqs.append(event.seq)
        if event.seq == 4:
            trainer.compacted, trainer.break_every = 9, 0

    assert seqs == [*ALL[:4], *ALL[9:]]
    assert gaps == [EventGap(first_seq=5, last_seq=9)]


def test_waiting_for_a_job_needs_none_of_its_events(
    trainer: FakeTrainer, trainer_client: TrainerClient
) -> None:
    trainer.keep("abcd")
    trainer.compacted = 12

    assert trainer_client.wait("abcd").state == jobs.JOB_STATE_SUCCEEDED


def test_a_history_begins_at_the_oldest_event_that_is_kept(
    trainer: FakeTrainer, trainer_client: TrainerClient
) -> None:
    trainer.keep("abcd")
    trainer.compacted = 6
    trainer.page_size = 4

    assert [event.seq for event in trainer_client.history("abcd")] == ALL[6:]


@pytest.mark.parametrize(
    ("reason", "oldest"), [("CURSOR_AHEAD", "9"), ("CURSOR_COMPACTED", ""), ("JOB_NOT_FOUND", "")]
)
def test_other_refusals_stay_what_they_are(reason: str, oldest: str) -> None:
    """Also one that names no oldest event, which would be asked for again and again."""
    metadata = {"oldest_seq": oldest} if oldest else {}
    failure = RpcFailed(grpc.StatusCode.OUT_OF_RANGE, "no", reason=reason, metadata=metadata)

    assert not EventCursor("abcd").refused(failure)


@pytest.mark.parametrize(("idle_s", "heartbeat_s"), [(90.0, 15.0), (12.0, 2.0), (0.5, 1.0)])
def test_heartbeats_come_often_enough_for_the_readers_patience(
    idle_s: float, heartbeat_s: float
) -> None:
    request = EventCursor("abcd", idle_s=idle_s).request()

    assert request.heartbeat.ToTimedelta().total_seconds() == heartbeat_s


def test_the_last_question_of_a_wait_outlives_a_restart(trainer: FakeTrainer, serve: Serve) -> None:
    """The stream says COMPLETED, then the server goes for longer than a call is repeated."""
    trainer.keep("abcd")
    trainer.failures = [(grpc.StatusCode.CANCELLED, "gone")] * 12

    with TrainerClient(serve(trainer), pace=QUICK) as client:
        job = client._connection.persist(lambda: client.get("abcd"))
        trainer.failures = [(grpc.StatusCode.CANCELLED, "gone")] * 12
        with pytest.raises(RpcFailed):
            client.get("abcd")

    assert job.job_id == "abcd"


def test_persisting_ends_with_patience(trainer: FakeTrainer) -> None:
    pace = Pace(first_wait_s=0.01, longest_wait_s=0.02, patience_s=0.2)
    with running_server(trainer.add_to) as address:
        pass
    client = TrainerClient(address, pace=pace)

    with pytest.raises(RpcFailed, match="no service answers"):
        Connection(address, pace=pace).persist(lambda: client.get("abcd"))

    client.close()


def test_a_job_that_is_resumed_behind_the_back_is_waited_for_again(
    trainer: FakeTrainer, trainer_client: TrainerClient
) -> None:
    job = trainer.keep("abcd")
    states = [jobs.JOB_STATE_QUEUED, jobs.JOB_STATE_SUCCEEDED]
    trainer.after_openings = lambda: setattr(job, "state", states.pop(0))
    seqs: list[int] = []

    found = trainer_client.wait("abcd", on_event=lambda event: seqs.append(event.seq))

    assert found.state == jobs.JOB_STATE_SUCCEEDED
    assert seqs == ALL
    assert trainer.openings == [0, len(ALL)]
