"""Pauses, resumes, cancels and deletes jobs, and asks for what they keep; in `TrainerClient`."""

import uuid
from collections.abc import Iterator, Sequence

from google.protobuf import duration_pb2

from vertebra.connection import Connection
from vertebra.paging import items_of_pages
from vertebra.trainer.v1 import train_form_pb2 as forms
from vertebra.trainer.v1 import train_job_pb2 as jobs
from vertebra.trainer.v1 import train_job_service_pb2 as wire
from vertebra.trainer.v1 import train_run_pb2 as runs
from vertebra.trainer.v1.train_job_service_pb2_grpc import TrainJobServiceStub


class JobCalls:
    """Calls of TrainJobService about one job's life, and about the devices that jobs share.

    Calls that change something carry a request id, made anew unless given: however often the way
    there repeats one, it counts once.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = TrainJobServiceStub(connection.channel)  # type: ignore[no-untyped-call]

    def cancel(self, name: str, reason: str = "", request_id: str | None = None) -> jobs.TrainJob:
        """Return the job, which is stopping or stopped now.

        Raises:
            RpcFailed: JOB_NOT_FOUND, JOB_FINISHED.
        """
        request = wire.CancelTrainJobRequest(
            name=name, reason=reason, request_id=_request_id(request_id)
        )
        job: jobs.TrainJob = self._connection.call(self._stub.CancelTrainJob, request).job
        return job

    def pause(
        self,
        name: str,
        reason: str = "",
        *,
        within_s: float | None = None,
        request_id: str | None = None,
    ) -> jobs.TrainJob:
        """Return the job, which saves a snapshot now and then frees its devices.

        Args:
            within_s: how long saving may take; None is the service's own 120 s. A job that does not
                manage goes on, and its state_reason says why.

        Raises:
            RpcFailed: JOB_NOT_FOUND, JOB_FINISHED, JOB_CANCELLING, FIELD_INVALID.
        """
        request = wire.PauseTrainJobRequest(
            name=name, reason=reason, request_id=_request_id(request_id)
        )
        if within_s is not None:
            request.deadline.CopyFrom(_duration(within_s))
        job: jobs.TrainJob = self._connection.call(self._stub.PauseTrainJob, request).job
        return job

    def resume(
        self,
        name: str,
        reason: str = "",
        *,
        snapshot: str = "",
        request_id: str | None = None,
    ) -> jobs.TrainJob:
        """Return the job, which is in the queue again: paused, failed or cancelled before.

        Args:
            snapshot: the name of the one to go on from; empty is the newest.

        Raises:
            RpcFailed: JOB_NOT_FOUND, SNAPSHOT_NOT_FOUND, JOB_FINISHED and what else the contract
                lists.
        """
        request = wire.ResumeTrainJobRequest(
            name=name, reason=reason, snapshot=snapshot, request_id=_request_id(request_id)
        )
        job: jobs.TrainJob = self._connection.call(self._stub.ResumeTrainJob, request).job
        return job

    def delete(self, name: str, request_id: str | None = None) -> None:
        """Delete a job that is over or paused: events, metrics, snapshots and files.

        Raises:
            RpcFailed: JOB_NOT_FOUND, JOB_ACTIVE.
        """
        request = wire.DeleteTrainJobRequest(name=name, request_id=_request_id(request_id))
        self._connection.call(self._stub.DeleteTrainJob, request)

    def list_snapshots(self, name: str) -> Iterator[runs.Snapshot]:
        """Yield a job's snapshots, newest first. May raise JOB_NOT_FOUND."""
        request = wire.ListSnapshotsRequest(name=name)
        return items_of_pages(self._connection, self._stub.ListSnapshots, request, "snapshots")

    def pin_snapshot(self, name: str, *, pinned: bool = True) -> runs.Snapshot:
        """Return the snapshot, which is kept until it is unpinned; `pinned=False` unpins it.

        Raises:
            RpcFailed: SNAPSHOT_NOT_FOUND.
        """
        request = wire.PinSnapshotRequest(name=name, pinned=pinned)
        snapshot: runs.Snapshot = self._connection.call(self._stub.PinSnapshot, request).snapshot
        return snapshot

    def metrics(
        self,
        name: str,
        series: str | Sequence[str] = (),
        *,
        min_step: int = 0,
        max_step: int = 0,
        max_points: int = 0,
    ) -> wire.QueryMetricsResponse:
        """Return a job's curves without what was rolled back, thinned out to what can be drawn.

        Args:
            series: a name, or several, or patterns with `*` such as `validation/*`; none means all.
            max_step: 0 is no limit.
            max_points: of each curve; 0 means 2000.

        Raises:
            RpcFailed: JOB_NOT_FOUND, FIELD_INVALID.
        """
        wanted = [series] if isinstance(series, str) else series
        request = wire.QueryMetricsRequest(
            name=name, series=wanted, min_step=min_step, max_step=max_step, max_points=max_points
        )
        answer: wire.QueryMetricsResponse = self._connection.call(self._stub.QueryMetrics, request)
        return answer

    def capacity(self) -> runs.Capacity:
        """Return what there is to train on, what of it is free, and what waits."""
        answer = self._connection.call(self._stub.GetCapacity, wire.GetCapacityRequest())
        capacity: runs.Capacity = answer.capacity
        return capacity

    def form(self) -> forms.TrainForm:
        """Return how a training is asked for: its settings, with help, choices and advice."""
        answer = self._connection.call(self._stub.GetTrainForm, wire.GetTrainFormRequest())
        form: forms.TrainForm = answer.form
        return form


def _request_id(given: str | None) -> str:
    return given or str(uuid.uuid4())


def _duration(seconds: float) -> duration_pb2.Duration:
    duration = duration_pb2.Duration()
    duration.FromMilliseconds(round(seconds * 1000))
    return duration
