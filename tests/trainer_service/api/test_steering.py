"""Pausing, resuming and deleting jobs through the API; no supervisor runs: tests play its part."""

import uuid

import grpc
import pytest

from trainer_service.jobs import JobState
from vertebra.trainer.v1 import train_job_pb2
from vertebra.trainer.v1 import train_job_service_pb2 as pb

CODE = grpc.StatusCode


def get(trainer, name):
    return trainer.stub.GetTrainJob(pb.GetTrainJobRequest(name=name), timeout=60).job


def paused(trainer):
    """Return the id of a job that a supervisor paused at step 2."""
    job_id = trainer.running()
    trainer.snapshot(job_id, 2, index=0)
    trainer.steered("Pause", job_id)
    trainer.store.move(trainer.hold(job_id), JobState.PAUSED)
    return job_id


def test_a_running_job_is_pausing_until_its_snapshot_is_there(trainer):
    job_id = trainer.running()

    job = trainer.steered("Pause", job_id, reason="lunch").job

    assert job.state == train_job_pb2.JOB_STATE_PAUSING
    assert job.state_reason == "lunch"


def test_a_waiting_job_is_paused_at_once(trainer):
    job_id = trainer.create().job.job_id

    assert trainer.steered("Pause", job_id).job.state == train_job_pb2.JOB_STATE_PAUSED


def test_saving_may_take_two_minutes_unless_the_caller_says_otherwise(trainer):
    usual, short = trainer.running(), trainer.running()

    trainer.steered("Pause", usual)
    trainer.steered("Pause", short, deadline={"seconds": 5})

    one, other = (trainer.store.find_job(job_id).pause_deadline for job_id in (usual, short))
    assert one - other == pytest.approx(115, abs=10)


def test_pausing_wants_time_for_it(trainer, refused):
    job_id = trainer.running()

    failure = refused(lambda: trainer.steered("Pause", job_id, deadline={"seconds": 0}))

    assert failure.reason == "FIELD_INVALID"
    assert [one.field for one in failure.violations] == ["deadline"]


def test_a_job_that_is_over_cannot_be_paused(trainer, refused):
    job_id = trainer.running()
    trainer.finish(job_id)

    failure = refused(lambda: trainer.steered("Pause", job_id))

    assert (failure.code, failure.reason) == (CODE.FAILED_PRECONDITION, "JOB_FINISHED")


def test_a_paused_job_waits_again_once_it_is_resumed(trainer):
    job_id = paused(trainer)

    job = trainer.steered("Resume", job_id, reason="back").job

    assert (job.state, job.state_reason) == (train_job_pb2.JOB_STATE_QUEUED, "back")
    assert job.snapshot.name == f"trainJobs/{job_id}/snapshots/1-2"


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED])
def test_a_job_that_failed_or_was_cancelled_begins_another_attempt(trainer, state):
    job_id = trainer.running()
    if state is JobState.CANCELLED:
        trainer.steered("Cancel", job_id)
    trainer.finish(job_id, state)

    trainer.steered("Resume", job_id)
    trainer.claim(job_id)

    job = get(trainer, job_id)
    assert job.state == train_job_pb2.JOB_STATE_PREPARING
    assert [attempt.number for attempt in job.attempts] == [1, 2]


def test_a_job_that_succeeded_has_nothing_to_go_on_with(trainer, refused):
    job_id = trainer.running()
    trainer.finish(job_id)

    assert refused(lambda: trainer.steered("Resume", job_id)).reason == "JOB_FINISHED"


def test_a_job_goes_on_from_the_snapshot_that_is_named(trainer):
    job_id = trainer.running()
    for index, step in enumerate((2, 4)):
        trainer.snapshot(job_id, step, index=index)
    trainer.finish(job_id, JobState.FAILED)

    trainer.steered("Resume", job_id, snapshot=f"trainJobs/{job_id}/snapshots/1-2")

    assert [ref.step for ref in trainer.store.resume_from(job_id)] == [2]


@pytest.mark.parametrize("name", ["nonsense", "trainJobs/{other}/snapshots/1-2", "1-2", "../x"])
def test_a_snapshot_of_no_job_or_of_another_one_is_not_found(trainer, refused, name):
    job_id, other = paused(trainer), paused(trainer)

    failure = refused(lambda: trainer.steered("Resume", job_id, snapshot=name.format(other=other)))

    assert (failure.code, failure.reason) == (CODE.NOT_FOUND, "SNAPSHOT_NOT_FOUND")


def test_the_same_request_gives_the_same_answer_and_another_one_is_refused(trainer, refused):
    job_id, request_id = paused(trainer), str(uuid.uuid4())
    trainer.steered("Resume", job_id, request_id=request_id)

    again = trainer.steered("Resume", job_id, request_id=request_id.upper())
    reused = refused(lambda: trainer.steered("Resume", job_id, request_id=request_id, reason="x"))

    assert again.job.state == train_job_pb2.JOB_STATE_QUEUED
    assert reused.reason == "REQUEST_ID_REUSED"


def test_a_deleted_job_is_gone_and_deleting_it_again_succeeds(trainer, refused):
    job_id, request_id = paused(trainer), str(uuid.uuid4())

    trainer.steered("Delete", job_id, request_id=request_id)
    trainer.steered("Delete", f"trainJobs/{job_id}", request_id=request_id)

    assert refused(lambda: get(trainer, job_id)).reason == "JOB_NOT_FOUND"
    other = refused(lambda: trainer.steered("Delete", job_id))
    assert (other.code, other.reason) == (CODE.NOT_FOUND, "JOB_NOT_FOUND")


def test_a_job_that_runs_is_not_deleted(trainer, refused):
    job_id = trainer.running()

    failure = refused(lambda: trainer.steered("Delete", job_id))

    assert (failure.code, failure.reason) == (CODE.FAILED_PRECONDITION, "JOB_ACTIVE")


@pytest.mark.parametrize("kind", ["Pause", "Resume", "Delete", "Cancel"])
def test_every_change_wants_a_uuid(trainer, refused, kind):
    job_id = trainer.running()

    failure = refused(lambda: trainer.steered(kind, job_id, request_id="x"))

    assert failure.reason == "FIELD_INVALID"
    assert [one.field for one in failure.violations] == ["request_id"]
