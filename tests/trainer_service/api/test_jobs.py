"""Getting, listing and cancelling jobs, and what they exported."""

import uuid
from dataclasses import replace

import grpc
import pytest

from tests.fakes.job_values import planned, step
from trainer_service.jobs import (
    Evaluated,
    Evaluation,
    Export,
    ExportFile,
    JobFailure,
    JobState,
    Planned,
    SpoolLine,
)
from vertebra.trainer.v1 import train_job_pb2
from vertebra.trainer.v1 import train_job_service_pb2 as pb

CODE = grpc.StatusCode
EXPORT = Export(
    architecture_id="resnet18",
    backbone_digest="sha256:1",
    state_digest="sha256:2",
    files=(
        ExportFile(kind="backbone_ckpt", path="/x/backbone.ckpt", digest="sha256:3", size_bytes=7),
    ),
    metrics={"validation/accuracy": 0.5},
    checkpoint="checkpoints/letters",
    create_time=1000.0,
)


def get(trainer, name):
    return trainer.stub.GetTrainJob(pb.GetTrainJobRequest(name=name), timeout=60).job


def cancel(trainer, name, request_id="", reason="enough"):
    request = pb.CancelTrainJobRequest(
        name=name, request_id=request_id or str(uuid.uuid4()), reason=reason
    )
    return trainer.stub.CancelTrainJob(request, timeout=60).job


def exports(trainer, name):
    return trainer.stub.ListExports(pb.ListExportsRequest(name=name), timeout=60).exports


def test_a_job_is_found_by_name_id_and_prefix(trainer):
    job = trainer.create().job

    for name in (job.name, job.job_id, job.job_id[:8]):
        assert get(trainer, name) == job


def test_no_such_job_is_not_found(trainer, refused):
    for call in (
        lambda: get(trainer, "nonsense"),
        lambda: cancel(trainer, "nonsense"),
        lambda: exports(trainer, "nonsense"),
    ):
        assert refused(call).reason == "JOB_NOT_FOUND"


def test_a_running_job_shows_its_progress_plan_and_model(trainer):
    job_id = trainer.running()
    trainer.store.append_lines(
        trainer.hold(job_id), [SpoolLine(index=0, time=100.0, event=planned())]
    )
    trainer.store.append_lines(
        trainer.hold(job_id),
        [SpoolLine(index=number, time=100.0 + number, event=step(number)) for number in (1, 2)],
    )

    job = get(trainer, job_id)

    assert job.state == train_job_pb2.JOB_STATE_RUNNING
    assert (job.progress.step, job.progress.num_steps, job.progress.num_epochs) == (2, 4, 2)
    assert job.progress.remaining.seconds == 2
    assert job.plan.freeze.mode == "frozen_backbone"
    assert job.model.backbone_digest.startswith("sha256:")
    assert job.metrics["step/loss"] == 0.5


def test_a_job_shows_its_newest_evaluation_alone_and_in_lists(trainer):
    job_id = trainer.running()
    evaluation = Evaluation(metrics={"accuracy": 0.5}, confusion=(1, 2, 3, 4), num_images=10)
    event = Evaluated(epoch=2, evaluation=evaluation)
    assert not get(trainer, job_id).HasField("evaluation")

    trainer.store.append_lines(trainer.hold(job_id), [SpoolLine(index=0, time=100.0, event=event)])

    (listed,) = trainer.stub.ListTrainJobs(pb.ListTrainJobsRequest(), timeout=60).jobs
    for job in (get(trainer, job_id), listed):
        assert list(job.evaluation.confusion) == [1, 2, 3, 4]
        assert job.evaluation.metrics["accuracy"] == 0.5


def test_a_job_of_steps_shows_the_epochs_of_its_plan(trainer):
    job_id = trainer.running()
    plan = replace(planned().plan, num_epochs=7)

    trainer.store.append_lines(
        trainer.hold(job_id), [SpoolLine(index=0, time=1.0, event=Planned(plan=plan))]
    )

    assert get(trainer, job_id).progress.num_epochs == 7


@pytest.mark.parametrize(
    ("last_time", "remaining_s"), [(50.0, None), (1e14, 100 * 365.25 * 24 * 3600)]
)
def test_a_clock_that_was_set_does_not_break_the_time_left(trainer, last_time, remaining_s):
    """A duration of more than 10,000 years cannot be sent, and one below 0 means nothing."""
    job_id = trainer.running()
    lines = [
        SpoolLine(index=0, time=100.0, event=planned()),
        SpoolLine(index=1, time=100.0, event=step(1)),
        SpoolLine(index=2, time=last_time, event=step(2)),
    ]
    trainer.store.append_lines(trainer.hold(job_id), lines)

    progress = get(trainer, job_id).progress

    assert progress.HasField("remaining") is (remaining_s is not None)
    assert progress.remaining.ToSeconds() == (remaining_s or 0)


def test_a_failed_job_says_why(trainer):
    job_id = trainer.running()
    failure = JobFailure(reason="WORKER_DIED", message="the worker died")
    trainer.finish(job_id, JobState.FAILED, reason=failure.message, failure=failure)

    job = get(trainer, job_id)

    assert job.state == train_job_pb2.JOB_STATE_FAILED
    assert (job.failure.reason, job.failure.message) == ("WORKER_DIED", "the worker died")
    assert job.state_reason == "the worker died"


def test_jobs_are_listed_newest_first_filtered_and_in_pages(trainer):
    names = ["a", "b", "c"]
    for name in names:
        trainer.create(trainer.spec(display_name=name))
    request = pb.ListTrainJobsRequest(page_size=2)

    first = trainer.stub.ListTrainJobs(request, timeout=60)
    request.page_token = first.next_page_token
    second = trainer.stub.ListTrainJobs(request, timeout=60)

    listed = [job.spec.display_name for job in (*first.jobs, *second.jobs)]
    assert listed == ["c", "b", "a"]
    assert (first.total_size, second.next_page_token) == (3, "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("state = running", 1),
        ("state = queued", 1),
        ("backbone = resnet18 AND display_name = digits", 2),
        ("create_time > 2020-01-01T00:00:00Z", 2),
        ("state = failed", 0),
    ],
)
def test_a_filter_chooses_jobs(trainer, text, expected):
    trainer.running()
    trainer.create()

    page = trainer.stub.ListTrainJobs(pb.ListTrainJobsRequest(filter=text), timeout=60)

    assert len(page.jobs) == expected


def test_a_bad_filter_is_refused(trainer, refused):
    request = pb.ListTrainJobsRequest(filter="colour = red")

    failure = refused(lambda: trainer.stub.ListTrainJobs(request, timeout=60))

    assert failure.reason == "FILTER_INVALID"


def test_cancelling_answers_at_once_and_again(trainer):
    job_id = trainer.running()

    first = cancel(trainer, job_id)
    second = cancel(trainer, f"trainJobs/{job_id}", reason="really")

    assert first.state == second.state == train_job_pb2.JOB_STATE_CANCELLING
    assert second.state_reason == "enough"


def test_cancelling_wants_a_uuid_of_its_own(trainer, refused):
    job_id, other = trainer.running(), trainer.create().job.job_id
    request_id = str(uuid.uuid4())
    cancel(trainer, job_id, request_id)

    reused = refused(lambda: cancel(trainer, other, request_id))
    malformed = refused(lambda: cancel(trainer, job_id, "x"))

    assert reused.reason == "REQUEST_ID_REUSED"
    assert malformed.reason == "FIELD_INVALID"


def test_a_finished_job_cannot_be_cancelled(trainer, refused):
    job_id = trainer.running()
    trainer.finish(job_id)

    failure = refused(lambda: cancel(trainer, job_id))

    assert (failure.code, failure.reason) == (CODE.FAILED_PRECONDITION, "JOB_FINISHED")


def test_exports_are_listed_once_the_job_is_done(trainer):
    job_id = trainer.running()
    before = exports(trainer, job_id)
    trainer.finish(job_id, export=EXPORT)

    (export,) = exports(trainer, job_id)

    assert not before
    assert export.name == f"trainJobs/{job_id}/exports/1"
    assert export.checkpoint == "checkpoints/letters"
    assert export.metrics["validation/accuracy"] == 0.5
    (file,) = export.files
    assert file.kind == train_job_pb2.ExportFile.KIND_BACKBONE_CKPT
    assert (file.blob.name, file.blob.size_bytes) == ("blobs/sha256:3", 7)
