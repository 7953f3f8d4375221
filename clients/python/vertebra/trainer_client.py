"""The trainer for Python programs: plan, start, watch and steer jobs, and fetch what they left."""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from google.protobuf import duration_pb2

from vertebra.blob_client import BlobClient
from vertebra.client_errors import RpcFailed
from vertebra.connection import Connection, Pace, resumed
from vertebra.credentials import Credentials
from vertebra.event_cursor import EventCursor, OnGap
from vertebra.export_download import (
    DownloadedFile,
    chosen_files,
    download_files,
    newest_export,
)
from vertebra.job_calls import JobCalls
from vertebra.paging import items_of_pages
from vertebra.trainer.v1 import train_event_pb2 as events
from vertebra.trainer.v1 import train_job_pb2 as jobs
from vertebra.trainer.v1 import train_job_service_pb2 as wire
from vertebra.trainer.v1.train_job_service_pb2_grpc import TrainJobServiceStub
from vertebra.watch_record import RecordedCursor, WatchRecord
from vertebra.wire_json import to_message

DEFAULT_ADDRESS = "localhost:50552"

Spec = jobs.TrainJobSpec | Mapping[str, Any]

OnEvent = Callable[[events.TrainEvent], None]

FINAL_STATES = frozenset(
    {
        jobs.JobState.JOB_STATE_SUCCEEDED,
        jobs.JobState.JOB_STATE_FAILED,
        jobs.JobState.JOB_STATE_CANCELLED,
    }
)
"""Only `TrainerClient.resume` leads out of the last two; a watch ends at all of them."""


class TrainerClient:
    """A connection to one trainer. Use it in a `with`, or call `close`; threads may share it.

    Args:
        address: `host:port`.
        timeout_s: deadline of every call that is not a stream.
        pace: how streams wait and when they give up.
        credentials: certificates and tokens; None is plain text and nobody in particular.

    Raises:
        CredentialsUnusable: files that cannot be read, or a token that would go out in plain text.
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        *,
        timeout_s: float = 60.0,
        pace: Pace | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        self._connection = Connection(
            address, timeout_s=timeout_s, pace=pace, credentials=credentials, service="trainer"
        )
        self._stub = TrainJobServiceStub(self._connection.channel)  # type: ignore[no-untyped-call]
        self.blobs = BlobClient(self._connection)
        calls = JobCalls(self._connection)
        self.cancel = calls.cancel
        self.pause = calls.pause
        self.resume = calls.resume
        self.delete = calls.delete
        self.list_snapshots = calls.list_snapshots
        self.pin_snapshot = calls.pin_snapshot
        self.metrics = calls.metrics
        self.capacity = calls.capacity
        self.form = calls.form

    def __repr__(self) -> str:
        return f"TrainerClient({self._connection.address!r})"

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

    def watch(
        self,
        name: str,
        after_seq: int = 0,
        *,
        on_gap: OnGap | None = None,
        record: WatchRecord | None = None,
    ) -> Iterator[events.TrainEvent]:
        """Yield a job's events in order, each once, until the job is in a final state.

        Breaks on the way (proxies, restarts, rotation) are mended out of sight. The start is the
        oldest event that is kept.

        Args:
            after_seq: the last event that is not wanted; 0 asks for all.
            on_gap: told of events that went before they came here; the watch then goes on behind
                them. None raises EventsCompacted.
            record: takes what comes as it comes, for `watch_checker`.

        Raises:
            RpcFailed: JOB_NOT_FOUND, CURSOR_AHEAD, LOG_REPLACED; or no contact for too long.
            EventsCompacted: events after `after_seq` are not kept any more.
            AnswerRefused: an event is missing, or came twice.
        """
        idle_s = self._connection.pace.idle_s
        cursor = EventCursor(name, after_seq, on_gap=on_gap, idle_s=idle_s)
        reader = cursor if record is None else RecordedCursor(cursor, record)
        while True:
            try:
                yield from resumed(self._connection, self._stub.WatchTrainJob, reader)
                return
            except RpcFailed as failure:
                if record:
                    record[-1].refuse(failure)
                if not cursor.refused(failure):
                    raise

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
        """Yield the events that are kept of a job so far, in order; waits for none.

        Raises:
            RpcFailed: JOB_NOT_FOUND, LOG_REPLACED.
        """
        cursor = EventCursor(name)
        answer = self._kept_events(name, cursor)
        while answer.events:
            yield from answer.events
            seq = answer.events[-1].seq
            answer = self.list_events(name, after_seq=seq, log_id=answer.log_id)

    def _kept_events(self, name: str, cursor: EventCursor) -> wire.ListTrainJobEventsResponse:
        """Return the oldest events that are kept; what is kept may change while it is asked."""
        while True:
            try:
                return self.list_events(name, after_seq=cursor.request().after_seq)
            except RpcFailed as failure:
                if not cursor.refused(failure):
                    raise

    def wait(
        self,
        name: str,
        *,
        on_event: OnEvent | None = None,
        on_gap: OnGap | None = None,
        after_seq: int = 0,
        record: WatchRecord | None = None,
    ) -> jobs.TrainJob:
        """Return the job once it is in a final state; `on_event` sees every event on the way.

        A job that failed and is resumed before anyone has looked is waited for again.

        Args:
            on_gap, after_seq, record: as in `watch`; without `on_event` nobody misses an event.

        Raises:
            RpcFailed: as `watch`.
        """
        told = on_event or _ignore
        on_gap = on_gap if on_event is not None else _ignore
        while True:
            for event in self.watch(name, after_seq, on_gap=on_gap, record=record):
                told(event)
                after_seq = event.seq
            job = self._connection.persist(lambda: self.get(name))
            if job.state in FINAL_STATES:
                return job
            pace = self._connection.pace
            pace.sleep(pace.first_wait_s)

    def list_exports(self, name: str) -> Iterator[jobs.Export]:
        """Yield what a job exported: nothing before it succeeded. May raise JOB_NOT_FOUND."""
        request = wire.ListExportsRequest(name=name)
        return items_of_pages(self._connection, self._stub.ListExports, request, "exports")

    def download(
        self,
        name: str,
        folder: str | Path,
        *,
        files: Sequence[str] = (),
        replaces: bool = False,
    ) -> Sequence[DownloadedFile]:
        """Return where the files that a job exported are in `folder` now, each whole and verified.

        Args:
            files: names such as `backbone.ckpt`, or patterns with `*`; none means all.
            replaces: other files of these names, which are otherwise in the way.

        Raises:
            DownloadRefused: no export, no such file, or other files are in the way.
            RpcFailed, AnswerRefused: as BlobClient.download.
        """
        job = self.get(name)
        chosen = chosen_files(newest_export(job, list(self.list_exports(job.name))), files)
        return download_files(self.blobs, chosen, Path(folder), replaces=replaces)


def _ignore(_: object) -> None:
    """Nobody wants to know."""
