"""What a client says about a job's life, and about the devices that jobs share."""

import uuid
from collections.abc import Callable

import grpc
import pytest

from tests.fakes.fake_trainer import FakeTrainer
from vertebra.client_errors import RpcFailed
from vertebra.trainer.v1 import train_job_pb2 as jobs
from vertebra.trainer_client import TrainerClient

Act = Callable[[TrainerClient], object]

PAUSE: Act = lambda client: client.pause("abcd")  # noqa: E731 - a table of calls
RESUME: Act = lambda client: client.resume("abcd")  # noqa: E731
DELETE: Act = lambda client: client.delete("abcd")  # noqa: E731


@pytest.mark.parametrize("act", [PAUSE, RESUME, DELETE], ids=["pause", "resume", "delete"])
def test_a_call_that_is_repeated_on_the_way_keeps_its_request_id(
    trainer: FakeTrainer, trainer_client: TrainerClient, act: Act
) -> None:
    trainer.final_state = jobs.JOB_STATE_FAILED
    trainer.keep("abcd")
    trainer.life.failures = [
        (grpc.StatusCode.INTERNAL, "Stream removed (RST_STREAM with error code 2)"),
        (grpc.StatusCode.UNAVAILABLE, "draining"),
    ]

    act(trainer_client)

    ids = [request.request_id for request in trainer.life.requests]
    assert len(ids) == 3
    assert len({uuid.UUID(one) for one in ids}) == 1


def test_a_pause_says_why_and_how_long_saving_may_take(
    trainer: FakeTrainer, trainer_client: TrainerClient
) -> None:
    trainer.final_state = jobs.JOB_STATE_FAILED
    trainer.keep("abcd")

    job = trainer_client.pause("abcd", "night", within_s=0.5)

    (request,) = trainer.life.requests
    assert job.state == jobs.JOB_STATE_PAUSED
    assert (request.reason, request.deadline.nanos) == ("night", 500_000_000)


def test_without_a_limit_a_pause_has_the_services_own(
    trainer: FakeTrainer, trainer_client: TrainerClient
) -> None:
    trainer.final_state = jobs.JOB_STATE_FAILED
    trainer.keep("abcd")

    trainer_client.pause("abcd")

    assert not trainer.life.requests[0].HasField("deadline")


def test_a_resume_names_its_snapshot(trainer: FakeTrainer, trainer_client: TrainerClient) -> None:
    trainer.keep("abcd")

    job = trainer_client.resume("abcd", "again", snapshot="trainJobs/abcd/snapshots/1-20")

    (request,) = trainer.life.requests
    assert job.state == jobs.JOB_STATE_QUEUED
    assert (request.reason, request.snapshot) == ("again", "trainJobs/abcd/snapshots/1-20")


def test_a_deleted_job_is_gone(trainer: FakeTrainer, trainer_client: TrainerClient) -> None:
    trainer.keep("abcd")

    trainer_client.delete("abcd")

    with pytest.raises(RpcFailed) as caught:
        trainer_client.get("abcd")
    assert caught.value.reason == "JOB_NOT_FOUND"


def test_snapshots_of_all_pages_are_listed(
    trainer: FakeTrainer, trainer_client: TrainerClient
) -> None:
    trainer.keep("abcd")

    found = list(trainer_client.list_snapshots("abcd"))

    assert [snapshot.step for snapshot in found] == [80, 45, 20]


@pytest.mark.parametrize("pinned", [True, False])
def test_a_snapshot_is_pinned_and_unpinned(
    trainer: FakeTrainer, trainer_client: TrainerClient, pinned: bool
) -> None:
    name = "trainJobs/abcd/snapshots/2-80"

    assert trainer_client.pin_snapshot(name, pinned=pinned).is_pinned is pinned


def test_curves_are_asked_for_by_name_range_and_number(
    trainer: FakeTrainer, trainer_client: TrainerClient
) -> None:
    trainer.keep("abcd")

    answer = trainer_client.metrics(
        "abcd", ["validation/*"], min_step=1, max_step=90, max_points=500
    )

    (request,) = trainer.life.requests
    asked = (list(request.series), request.min_step, request.max_step, request.max_points)
    assert asked == (["validation/*"], 1, 90, 500)
    assert [one.name for one in answer.series] == ["validation/accuracy", "validation/loss"]


def test_one_curve_is_asked_for_by_its_name(
    trainer_client: TrainerClient, trainer: FakeTrainer
) -> None:
    """A text is a sequence of letters, too."""
    trainer.keep("abcd")

    trainer_client.metrics("abcd", "validation/*")

    assert list(trainer.life.requests[-1].series) == ["validation/*"]


def test_capacity_says_what_is_free(trainer_client: TrainerClient) -> None:
    capacity = trainer_client.capacity()

    assert (capacity.num_free_devices, capacity.num_devices) == (2, 3)
