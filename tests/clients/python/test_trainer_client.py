"""Watching a job: every event once and in order, whatever happens on the way."""

import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from tests.clients.python.conftest import Serve
from tests.fakes.fake_server import running_server
from tests.fakes.fake_trainer import FakeTrainer, training_script
from vertebra.client_errors import AnswerRefused, RpcFailed
from vertebra.connection import Backoff, Connection, Pace
from vertebra.trainer.v1 import train_job_pb2 as jobs
from vertebra.trainer_client import TrainerClient

ALL = list(range(1, len(training_script()) + 1))


def test_a_watch_yields_all_events_and_stops(
    trainer: FakeTrainer, trainer_client: TrainerClient
) -> None:
    job = trainer.keep("abcd")

    events = list(trainer_client.watch(job.name))

    assert events == trainer.script
    assert trainer.openings == [0]


@pytest.mark.parametrize("num_events", [1, 2, 3, 7])
@pytest.mark.parametrize(
    "how", ["unavailable", "rst", "cancelled", "silent", "rotate", "draining", "slow"]
)
def test_a_stream_that_ends_early_is_resumed_without_gap_or_repeat(
    trainer: FakeTrainer, trainer_client: TrainerClient, how: str, num_events: int
) -> None:
    trainer.break_every, trainer.break_how = num_events, how
    trainer.keep("abcd")

    seqs = [event.seq for event in trainer_client.watch("abcd")]

    assert seqs == ALL
    assert trainer.openings == list(range(0, len(ALL), num_events))[: len(trainer.openings)]
    assert len(trainer.openings) > 1


def test_a_watch_begins_after_a_given_event(
    trainer: FakeTrainer, trainer_client: TrainerClient
) -> None:
    trainer.keep("abcd")

    seqs = [event.seq for event in trainer_client.watch("abcd", after_seq=12)]

    assert seqs == ALL[12:]


@pytest.mark.parametrize(
    ("lie", "complaint"),
    [
        ("gap", "event 4 came after 2"),
        ("repeat", "event 2 came after 2"),
        ("bookmark", "events 3 to 3 never came"),
        ("end", "events 16 to 16 never came"),
    ],
)
def test_gaps_and_repeats_are_refused(
    trainer: FakeTrainer, trainer_client: TrainerClient, lie: str, complaint: str
) -> None:
    trainer.keep("abcd")
    trainer.lie = lie

    with pytest.raises(AnswerRefused, match=complaint):
        list(trainer_client.watch("abcd"))


def test_streams_that_bring_no_event_are_given_up(trainer: FakeTrainer, serve: Serve) -> None:
    """A bookmark is not progress: the way is broken, whatever opens again."""
    trainer.keep("abcd")
    trainer.num_empty = 1000
    waits: list[float] = []
    pace = Pace(longest_wait_s=1.0, patience_s=20.0, clock=lambda: sum(waits), sleep=waits.append)

    with TrainerClient(serve(trainer), pace=pace) as client, pytest.raises(RpcFailed):
        list(client.watch("abcd"))

    assert 3 < len(trainer.openings) < 1000


def test_a_stream_that_hangs_is_cut_and_opened_again(trainer: FakeTrainer, serve: Serve) -> None:
    trainer.keep("abcd")
    trainer.num_hanging = 2
    pace = Pace(first_wait_s=0.001, idle_s=1.0, first_patience_s=60.0)

    with TrainerClient(serve(trainer), pace=pace) as client:
        seqs = [event.seq for event in client.watch("abcd")]

    assert seqs == ALL
    assert trainer.openings == [0, 0, 0]


class Stream:
    """Messages that are there at once, and how often somebody cancelled them."""

    def __init__(self) -> None:
        self._messages = iter(range(3))
        self.num_cancelled = 0

    def __iter__(self) -> Iterator[int]:
        return self._messages

    def cancel(self) -> None:
        self.num_cancelled += 1


def test_a_slow_reader_is_not_a_silent_stream() -> None:
    stream = Stream()
    connection = Connection("localhost:1", pace=Pace(idle_s=0.2))

    for message in connection.messages(lambda *_, **__: stream, jobs.TrainJob()):
        time.sleep(0.5 if message == 0 else 0.0)
        assert stream.num_cancelled == 0
    connection.close()


def test_a_log_that_was_replaced_is_refused(
    trainer: FakeTrainer, trainer_client: TrainerClient
) -> None:
    trainer.keep("abcd")
    trainer.lie, trainer.break_every, trainer.break_how = "log", 4, "silent"

    with pytest.raises(AnswerRefused, match="replaced"):
        list(trainer_client.watch("abcd"))


def test_an_unknown_job_is_an_error_at_once(trainer_client: TrainerClient) -> None:
    with pytest.raises(RpcFailed) as caught:
        list(trainer_client.watch("nope"))

    assert caught.value.reason == "JOB_NOT_FOUND"


def test_leaving_a_watch_early_ends_the_stream(
    trainer: FakeTrainer, trainer_client: TrainerClient
) -> None:
    trainer.keep("abcd")

    for event in trainer_client.watch("abcd"):
        if event.seq == 3:
            break

    assert trainer_client.get("abcd").job_id == "abcd"


def test_waits_grow_and_start_over_only_after_progress() -> None:
    waits: list[float] = []
    backoff = Backoff(Pace(clock=lambda: 0.0, sleep=waits.append))
    failure = RpcFailed(grpc.StatusCode.UNAVAILABLE, "gone")

    for _ in range(8):
        backoff.wait(failure, at_least_s=0)
    backoff.progressed()
    backoff.wait(failure, at_least_s=0)

    expected = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 0.1]
    assert waits == [pytest.approx(wait, rel=0.21) for wait in expected]


def test_patience_ends_without_progress_but_not_on_a_steady_silent_stream() -> None:
    now = [0.0]
    backoff = Backoff(Pace(clock=lambda: now[0], sleep=lambda _: None))
    failure = RpcFailed(grpc.StatusCode.UNAVAILABLE, "gone")
    backoff.answered()

    for _ in range(10):
        backoff.opened()
        now[0] += 60.0
        backoff.wait(failure, at_least_s=0)
    backoff.opened()
    now[0] += 4.0
    backoff.wait(failure, at_least_s=0)
    now[0] += 130.0
    backoff.opened()
    with pytest.raises(RpcFailed, match="gone"):
        backoff.wait(failure, at_least_s=0)


def test_the_services_own_wait_is_respected() -> None:
    waits: list[float] = []
    backoff = Backoff(Pace(clock=lambda: 0.0, sleep=waits.append))

    backoff.wait(RpcFailed(grpc.StatusCode.UNAVAILABLE, "gone"), at_least_s=30)

    assert waits == [30]


@pytest.mark.parametrize("call", ["create", "cancel"])
def test_mutating_calls_keep_their_request_id_over_repeats(
    trainer: FakeTrainer, trainer_client: TrainerClient, call: str
) -> None:
    trainer.keep("abcd")
    trainer.failures = [
        (grpc.StatusCode.INTERNAL, "Stream removed (RST_STREAM with error code 2)"),
        (grpc.StatusCode.UNAVAILABLE, "draining"),
    ]

    if call == "create":
        trainer_client.create({"model": {"backbone": "resnet18"}, "num_epochs": 1})
    else:
        trainer_client.cancel("abcd")

    assert len(trainer.request_ids) == 3
    assert len({uuid.UUID(one) for one in trainer.request_ids}) == 1


def test_wait_returns_the_finished_job(trainer: FakeTrainer, trainer_client: TrainerClient) -> None:
    seqs: list[int] = []
    trainer.keep("abcd")

    job = trainer_client.wait("abcd", on_event=lambda event: seqs.append(event.seq))

    assert job.state == jobs.JOB_STATE_SUCCEEDED
    assert seqs == ALL


def test_exports_are_listed_and_their_files_fetched(
    trainer: FakeTrainer, trainer_client: TrainerClient, tmp_path: Path
) -> None:
    job = trainer.keep("abcd")

    (export,) = trainer_client.list_exports(job.name)
    path = trainer_client.blobs.download(export.files[0].blob.name, tmp_path / "backbone")

    assert path.read_bytes() == b"backbone"


def test_the_unary_twin_returns_the_same_events(
    trainer: FakeTrainer, trainer_client: TrainerClient
) -> None:
    trainer.keep("abcd")

    answer = trainer_client.list_events("abcd", after_seq=10, wait_s=0.5)

    assert list(answer.events) == trainer.script[10:]
    assert answer.is_final


def test_a_plan_takes_the_experiment_file(
    trainer: FakeTrainer, trainer_client: TrainerClient
) -> None:
    spec = {
        "model": {"backbone": "resnet50", "pretrained": True, "freeze_backbone": False},
        "dataset": {"image_folder": {"path": "/data/pets"}},
        "num_epochs": 5,
    }

    plan = trainer_client.plan(spec).plan

    assert plan.freeze.num_trainable_parameters == 5130
    assert trainer.specs[0].model.HasField("freeze_backbone")
    assert trainer.specs[0].dataset.image_folder.path == "/data/pets"


def test_a_server_that_comes_back_is_found_again(trainer: FakeTrainer) -> None:
    """The stream breaks because the whole server goes, and a new one listens at the port."""
    trainer.keep("abcd")
    trainer.break_every, trainer.break_how = 5, "silent"
    with running_server(trainer.add_to) as address:
        client = TrainerClient(address, pace=Pace(first_wait_s=0.01, patience_s=20.0))
        events = client.watch("abcd")
        first = next(events)
    with running_server(trainer.add_to, address=address):
        rest = [event.seq for event in events]
    client.close()

    assert [first.seq, *rest] == ALL
