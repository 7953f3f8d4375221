"""The trainer for Python programs: plan, start, watch and cancel jobs, and fetch what they left."""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import grpc
from google.protobuf import duration_pb2

from vertebra.blob_client import BlobClient
from vertebra.client_errors import AnswerRefused
from vertebra.connection import Connection, Pace, resumed
from vertebra.model.v1 import stream_pb2
from vertebra.paging import items_of_pages
from vertebra.trainer.v1 import train_event_pb2 as events
from vertebra.trainer.v1 import train_job_pb2 as jobs
from vertebra.trainer.v1 import train_job_service_pb2 as wire
from vertebra.trainer.v1.train_job_service_pb2_grpc import TrainJobServiceStub
from vertebra.wire_json import to_message

DEFAULT_ADDRESS = "localhost:50552"

Spec = jobs.TrainJobSpec | Mapping[str, Any]

FINAL_STATES = frozenset(
    {
        jobs.JobState.JOB_STATE_SUCCEEDED,
        jobs.JobState.JOB_STATE_FAILED,
        jobs.JobState.JOB_STATE_CANCELLED,
    }
)
"""States that a job never leaves."""


class TrainerClient:
    """A connection to one trainer. Use it in a `with`, or call `close`; threads may share it.

    Args:
        address: `host:port`.
        timeout_s: deadline of every call that is not a stream.
        pace: how streams wait and when they give up.
        credentials: for TLS; None is plain text.
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        *,
        timeout_s: float = 60.0,
        pace: Pace | None = None,
        credentials: grpc.ChannelCredentials | None = None,
    ) -> None:
        self._connection = Connection(
            address, timeout_s=timeout_s, pace=pace, credentials=credentials
        )
        self._stub = TrainJobServiceStub(self._connection.channel)  # type: ignore[no-untyped-call]
        self.blobs = BlobClient(self._connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; jobs go on."""
        self._connection.close()

    def plan(self, spec: Spec) -> wire.PlanTrainJobResponse:
        """Return what a job would do, and its spec with all defaults. Nothing runs.

        Raises:
            RpcFailed: as TrainJobService.PlanTrainJob in the contract says.
            FieldInvalid: a mapping with an unknown field.
        """
        request = wire.PlanTrainJobRequest(spec=to_message(spec, jobs.TrainJobSpec))
        answer: wire.PlanTrainJobResponse = self._connection.call(self._stub.PlanTrainJob, request)
        return answer

    def create(self, spec: Spec, request_id: str | None = None) -> jobs.TrainJob:
        """Return the new job, QUEUED.

        Args:
            spec: a message, or the JSON form (the experiment file).
            request_id: a UUID; the same one again gives the same job. None makes one.

        Raises:
            RpcFailed: as TrainJobService.CreateTrainJob in the contract says.
            FieldInvalid: a mapping with an unknown field.
        """
        request = wire.CreateTrainJobRequest(
            request_id=request_id or str(uuid.uuid4()), spec=to_message(spec, jobs.TrainJobSpec)
        )
        job: jobs.TrainJob = self._connection.call(self._stub.CreateTrainJob, request).job
        return job

    def get(self, name: str) -> jobs.TrainJob:
        """Return one job by name, id or a prefix of its id. Raises RpcFailed JOB_NOT_FOUND."""
        request = wire.GetTrainJobRequest(name=name)
        job: jobs.TrainJob = self._connection.call(self._stub.GetTrainJob, request).job
        return job

    def list(
        self,
        filter: str = "",  # noqa: A002 - the contract's word
        order_by: str = "",
    ) -> Iterator[jobs.TrainJob]:
        """Yield all matching jobs, newest first unless `order_by` says otherwise.

        Raises:
            RpcFailed: FILTER_INVALID, ORDER_INVALID.
        """
        request = wire.ListTrainJobsRequest(filter=filter, order_by=order_by)
        return items_of_pages(self._connection, self._stub.ListTrainJobs, request, "jobs")

    def watch(self, name: str, after_seq: int = 0) -> Iterator[events.TrainEvent]:
        """Yield a job's events in order, each once, until the job is in a final state.

        Breaks on the way (proxies, restarts, rotation) are mended out of sight.

        Raises:
            RpcFailed: JOB_NOT_FOUND, CURSOR_AHEAD, LOG_REPLACED; or no contact for too long.
            AnswerRefused: an event is missing, or came twice.
        """
        cursor = EventCursor(name, after_seq)
        return resumed(self._connection, self._stub.WatchTrainJob, cursor)

    def list_events(
        self, name: str, *, after_seq: int = 0, log_id: str = "", wait_s: float = 0.0
    ) -> wire.ListTrainJobEventsResponse:
        """Return events after `after_seq`, waiting up to `wait_s` (at most 25) for a first one.

        Raises:
            RpcFailed: as `watch`.
        """
        request = wire.ListTrainJobEventsRequest(name=name, log_id=log_id, after_seq=after_seq)
        if wait_s:
            request.wait.CopyFrom(duration_pb2.Duration(nanos=int(wait_s % 1 * 1e9)))
            request.wait.seconds = int(wait_s)
        answer: wire.ListTrainJobEventsResponse = self._connection.call(
            self._stub.ListTrainJobEvents, request, timeout_s=self._connection.timeout_s + wait_s
        )
        return answer

    def history(self, name: str) -> Iterator[events.TrainEvent]:
        """Yield the events that a job has so far, in order; waits for none.

        Raises:
            RpcFailed: JOB_NOT_FOUND, LOG_REPLACED.
        """
        answer = self.list_events(name)
        while answer.events:
            yield from answer.events
            seq = answer.events[-1].seq
            answer = self.list_events(name, after_seq=seq, log_id=answer.log_id)

    def wait(
        self, name: str, *, on_event: Callable[[events.TrainEvent], None] | None = None
    ) -> jobs.TrainJob:
        """Return the job once it is in a final state; `on_event` sees every event on the way.

        Raises:
            RpcFailed: as `watch`.
        """
        for event in self.watch(name):
            if on_event is not None:
                on_event(event)
        return self.get(name)

    def cancel(self, name: str, reason: str = "", request_id: str | None = None) -> jobs.TrainJob:
        """Return the job, which is stopping or stopped now.

        Raises:
            RpcFailed: JOB_NOT_FOUND, JOB_FINISHED.
        """
        request = wire.CancelTrainJobRequest(
            name=name, reason=reason, request_id=request_id or str(uuid.uuid4())
        )
        job: jobs.TrainJob = self._connection.call(self._stub.CancelTrainJob, request).job
        return job

    def list_exports(self, name: str) -> Iterator[jobs.Export]:
        """Yield what a job exported: nothing before it succeeded. May raise JOB_NOT_FOUND."""
        request = wire.ListExportsRequest(name=name)
        return items_of_pages(self._connection, self._stub.ListExports, request, "exports")


class EventCursor:
    """The last event that came; the next one must be its successor."""

    def __init__(self, name: str, after_seq: int) -> None:
        self._name = name
        self._seq = after_seq
        self._log_id = ""

    def request(self) -> wire.WatchTrainJobRequest:
        """Return the request for the events after the last one."""
        return wire.WatchTrainJobRequest(name=self._name, log_id=self._log_id, after_seq=self._seq)

    def take(self, message: wire.WatchTrainJobResponse) -> Iterable[events.TrainEvent]:
        """Return the message's events, which must go on where the last message stopped."""
        if message.log_id:
            self._check_log(message.log_id)
        if message.HasField("bookmark"):
            self._check_nothing_missing(message.bookmark.seq)
        for event in message.events.events:
            if event.seq != self._seq + 1:
                raise AnswerRefused(f"{self._name}: event {event.seq} came after {self._seq}")
            self._seq = event.seq
        return message.events.events

    def finish(self, end: stream_pb2.StreamEnd) -> None:
        """Check that all events up to the end came."""
        self._check_nothing_missing(end.resume_after)

    def _check_log(self, log_id: str) -> None:
        if self._log_id not in ("", log_id):
            raise AnswerRefused(f"{self._name}: its events were replaced; watch from the start")
        self._log_id = log_id

    def _check_nothing_missing(self, seq: int) -> None:
        if seq > self._seq:
            raise AnswerRefused(f"{self._name}: events {self._seq + 1} to {seq} never came")
