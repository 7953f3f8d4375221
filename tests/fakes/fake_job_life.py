"""Pausing, resuming, deleting, snapshots, curves and devices of a fake trainer."""

from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import duration_pb2, struct_pb2, timestamp_pb2

from tests.fakes.fake_server import refuse
from vertebra.trainer.v1 import train_form_pb2 as forms
from vertebra.trainer.v1 import train_job_pb2 as jobs
from vertebra.trainer.v1 import train_job_service_pb2 as wire
from vertebra.trainer.v1 import train_run_pb2 as runs


@dataclass(kw_only=True)
class FakeJobLife:
    """Changes jobs as they are asked to, at once. `requests` keeps what came."""

    find_job: Any
    """Name and context -> job, as FakeTrainer's."""
    forget_job: Any
    requests: list[Any] = field(default_factory=list)
    paused_state: jobs.JobState = jobs.JOB_STATE_PAUSED
    """In which a job is that was asked to pause."""
    failures: list[tuple[grpc.StatusCode, str]] = field(default_factory=list)

    def _job(self, request: Any, context: Any) -> jobs.TrainJob:
        self.requests.append(request)
        if self.failures:
            context.abort(*self.failures.pop(0))
        job: jobs.TrainJob = self.find_job(request.name, context)
        return job

    def pause(self, request: Any, context: Any) -> Any:
        """It is paused."""
        job = self._job(request, context)
        if job.state == jobs.JOB_STATE_SUCCEEDED:
            precondition = grpc.StatusCode.FAILED_PRECONDITION
            refuse(context, precondition, "JOB_FINISHED", f"job {job.job_id} has succeeded")
        job.state = self.paused_state
        job.state_reason = request.reason
        return wire.PauseTrainJobResponse(job=job)

    def resume(self, request: Any, context: Any) -> Any:
        """It is in the queue."""
        job = self._job(request, context)
        job.state = jobs.JOB_STATE_QUEUED
        return wire.ResumeTrainJobResponse(job=job)

    def delete(self, request: Any, context: Any) -> Any:
        """It is gone."""
        self.forget_job(self._job(request, context))
        return wire.DeleteTrainJobResponse()

    def list_snapshots(self, request: Any, context: Any) -> Any:
        """Three, one a page."""
        job = self._job(request, context)
        page = int(request.page_token or 0)
        rows = snapshots(job.name)
        following = str(page + 1) if page + 1 < len(rows) else ""
        return wire.ListSnapshotsResponse(snapshots=[rows[page]], next_page_token=following)

    def pin_snapshot(self, request: Any, context: Any) -> Any:
        """It is pinned."""
        self.requests.append(request)
        found = snapshots(request.name.partition("/snap")[0])
        chosen = next((one for one in found if one.name == request.name), None)
        if chosen is None:
            missing = f"no snapshot {request.name!r}"
            refuse(context, grpc.StatusCode.NOT_FOUND, "SNAPSHOT_NOT_FOUND", missing)
        chosen.is_pinned = request.pinned
        return wire.PinSnapshotResponse(snapshot=chosen)

    def query_metrics(self, request: Any, context: Any) -> Any:
        """Two curves."""
        self._job(request, context)
        return wire.QueryMetricsResponse(series=curves(), last_seq=15)

    def get_capacity(self, request: Any, context: Any) -> Any:
        """Two hosts."""
        self.requests.append(request)
        return wire.GetCapacityResponse(capacity=capacity())

    def get_train_form(self, request: Any, context: Any) -> Any:
        """A toggle, and what is rarely needed."""
        return wire.GetTrainFormResponse(form=form())


def form() -> forms.TrainForm:
    """Return a form of one section."""
    on, off = struct_pb2.Value(bool_value=True), struct_pb2.Value(bool_value=False)
    freeze = forms.FormField(
        path="model.freezeBackbone",
        label="Freeze backbone",
        help="Whether it moves.",
        kind=forms.FormField.KIND_TOGGLE,
        default_value=off,
        choices=[
            forms.FormChoice(value=on, label="On", help="It stays.", advice="Little data."),
            forms.FormChoice(value=off, label="Off", help="It moves."),
        ],
        flag="--freeze",
    )
    seed = forms.FormField(
        path="seed",
        label="Seed",
        help="Of images.",
        kind=forms.FormField.KIND_INTEGER,
        default_value=struct_pb2.Value(number_value=0),
        is_advanced=True,
        flag="--seed",
    )
    norm = forms.FormField(
        path="freeze.norm",
        label="Batch norm",
        help="What its statistics do.",
        kind=forms.FormField.KIND_CHOICE,
        choices=[forms.FormChoice(label=label) for label in ("Stay", "Move")],
        shown_when=[forms.FormCondition(path="model.freezeBackbone", values=[on])],
        is_advanced=True,
        flag="--norm",
    )
    fields = [freeze, seed, norm]
    section = forms.FormSection(id="model", label="Model", help="What.", fields=fields)
    return forms.TrainForm(sections=[section])


def snapshots(job_name: str) -> list[runs.Snapshot]:
    """Return what a job keeps, newest first."""
    return [
        runs.Snapshot(
            name=f"{job_name}/snapshots/{attempt}-{step}",
            attempt=attempt,
            step=step,
            epoch=step // 45,
            create_time=timestamp_pb2.Timestamp(seconds=1_700_000_000 + step),
            size_bytes=134_000_000,
            save_time=duration_pb2.Duration(nanos=400_000_000),
            is_best=step == 45,
            is_pinned=step == 20,
            digest="sha256:" + "7" * 64,
        )
        for attempt, step in ((2, 80), (1, 45), (1, 20))
    ]


def curves() -> list[runs.MetricSeries]:
    """Return an accuracy that grows and a loss that falls."""
    return [
        runs.MetricSeries(
            name=name, steps=[45, 90], epochs=[1, 2], values=values, num_points=num_points
        )
        for name, values, num_points in (
            ("validation/accuracy", (0.7, 0.91), 2),
            ("validation/loss", (0.9, 0.3), 2000),
        )
    ]


def capacity() -> runs.Capacity:
    """Return two GPUs of which one is taken, and a host that takes no more jobs."""
    gpus = [
        runs.Device(
            kind="cuda", index=index, description="NVIDIA H200", memory_bytes=150_000_000_000
        )
        for index in range(2)
    ]
    gpus[0].job = "trainJobs/0000f00d"
    cpu = runs.Device(kind="cpu", description="4 cores")
    seen = timestamp_pb2.Timestamp(seconds=1_700_000_000)
    process, ray = runs.ENGINE_PROCESS, runs.ENGINE_RAY
    return runs.Capacity(
        hosts=[
            runs.Host(
                host_id="a1", name="north", devices=gpus, seen_time=seen, engines=[process, ray]
            ),
            runs.Host(
                host_id="b2",
                name="south",
                devices=[cpu],
                seen_time=seen,
                is_draining=True,
                engines=[process],
            ),
        ],
        num_devices=3,
        num_free_devices=2,
        num_queued_jobs=4,
        num_running_jobs=1,
        oldest_queued_time=seen,
    )
