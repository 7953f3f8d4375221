"""TrainJobService: each call translates, asks the store or the catalog, and translates back."""

import asyncio
import hashlib
import json
import uuid
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime

from google.protobuf import json_format

from catalog_service.errors import Violation, invalid
from catalog_service.models.plain_json import to_plain
from catalog_service.serving.call import Context
from catalog_service.serving.drain import Drain
from catalog_service.serving.listing import Field, Listing
from catalog_service.serving.server import Registration
from trainer_service.api.durations import seconds_of
from trainer_service.api.event_feed import EventFeed
from trainer_service.api.job_wire import export_message, job_message
from trainer_service.api.names import job_name
from trainer_service.api.plan_wire import plan_message
from trainer_service.api.planning import TrainingHost, plan_job
from trainer_service.api.spec_wire import spec_message, spec_of
from trainer_service.api.watch import (
    SLOW_READER_S,
    Watch,
    check_cursor,
    check_position,
    timing_of,
    wait_for_change,
)
from trainer_service.catalog_gateway import Catalog
from trainer_service.job_store import JobStore, JobSummary, NewJob
from trainer_service.jobs import Export, JobSpec
from vertebra.trainer.v1 import train_job_service_pb2 as pb
from vertebra.trainer.v1 import train_job_service_pb2_grpc

FULL_NAME = "vertebra.trainer.v1.TrainJobService"
DEFAULT_EVENTS, MAX_EVENTS = 500, 5000
MAX_WAIT_S = 25.0

JOBS: Listing[JobSummary] = Listing(
    [
        Field(name="job_id", get=lambda job: job.job_id),
        Field(name="display_name", get=lambda job: job.display_name),
        Field(name="state", get=lambda job: job.state),
        Field(name="backbone", get=lambda job: job.backbone),
        Field(
            name="create_time",
            get=lambda job: datetime.fromtimestamp(job.create_time, UTC),
            kind="time",
        ),
    ],
    "create_time desc",
)
EXPORTS: Listing[Export] = Listing(
    [Field(name="number", get=lambda export: export.number, kind="number")], "number"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainerRooms:
    """What the calls work with."""

    store: JobStore
    catalog: Catalog
    feed: EventFeed
    drain: Drain
    host: TrainingHost
    slow_reader_s: float = SLOW_READER_S


class TrainJobServicer(train_job_service_pb2_grpc.TrainJobServiceServicer):
    """The servicer; register it with `train_job_registration`."""

    def __init__(self, rooms: TrainerRooms) -> None:
        self._rooms = rooms
        self._store = rooms.store

    async def PlanTrainJob(  # noqa: N802  # the contract's spelling
        self, request: pb.PlanTrainJobRequest, context: Context
    ) -> pb.PlanTrainJobResponse:
        """Return what a spec would do."""
        planned = await plan_job(spec_of(request.spec), self._rooms.catalog, self._rooms.host)
        return pb.PlanTrainJobResponse(
            plan=plan_message(planned.plan), spec=spec_message(planned.spec)
        )

    async def CreateTrainJob(  # noqa: N802
        self, request: pb.CreateTrainJobRequest, context: Context
    ) -> pb.CreateTrainJobResponse:
        """Store a job, or return the one that this request made before."""
        request_id = checked_request_id(request.request_id)
        spec = spec_of(request.spec)
        request_hash = hash_of(spec)
        known = await asyncio.to_thread(self._store.recall_creation, request_id, request_hash)
        if known is not None:
            return pb.CreateTrainJobResponse(job=job_message(known), replayed=True)
        planned = await plan_job(spec, self._rooms.catalog, self._rooms.host)
        await self._rooms.catalog.require_bytes(planned.spec.model)
        new = NewJob(
            spec=planned.spec,
            sent_spec=json_format.MessageToJson(request.spec, indent=None),
            request_id=request_id,
            request_hash=request_hash,
        )
        created = await asyncio.to_thread(self._store.create_job, new)
        return pb.CreateTrainJobResponse(job=job_message(created.job), replayed=created.replayed)

    async def GetTrainJob(  # noqa: N802
        self, request: pb.GetTrainJobRequest, context: Context
    ) -> pb.GetTrainJobResponse:
        """Return one job."""
        job = await asyncio.to_thread(self._store.find_job, request.name)
        return pb.GetTrainJobResponse(job=job_message(job))

    async def ListTrainJobs(  # noqa: N802
        self, request: pb.ListTrainJobsRequest, context: Context
    ) -> pb.ListTrainJobsResponse:
        """Return a page of jobs."""
        page = JOBS.page(
            await asyncio.to_thread(self._store.summaries),
            filter=request.filter,
            order_by=request.order_by,
            page_size=request.page_size,
            page_token=request.page_token,
            resource="trainJobs",
        )
        wanted = [summary.job_id for summary in page.items]
        jobs = await asyncio.to_thread(self._store.jobs, wanted)
        return pb.ListTrainJobsResponse(
            jobs=[job_message(job) for job in jobs],
            next_page_token=page.next_page_token,
            total_size=page.total_size,
        )

    async def WatchTrainJob(  # noqa: N802
        self, request: pb.WatchTrainJobRequest, context: Context
    ) -> AsyncGenerator[pb.WatchTrainJobResponse, None]:
        """Yield a job's events until there are no more, or the stream is better opened anew."""
        check_cursor(request)
        timing = timing_of(request, slow_reader_s=self._rooms.slow_reader_s)
        job_id = await self._checked_job(request)
        watch = Watch(
            job_id=job_id,
            log_id=self._store.log_id,
            after_seq=request.after_seq,
            feed=self._rooms.feed,
            draining=self._rooms.drain.draining,
            timing=timing,
        )
        async for message in watch.messages():
            yield message

    async def ListTrainJobEvents(  # noqa: N802
        self, request: pb.ListTrainJobEventsRequest, context: Context
    ) -> pb.ListTrainJobEventsResponse:
        """Return events after a position, waiting for the first if that was asked for."""
        check_cursor(request)
        limit, wait_s = _checked_page(request)
        job_id = await self._checked_job(request)
        give_up_at = asyncio.get_running_loop().time() + wait_s
        feed, draining = self._rooms.feed, self._rooms.drain.draining
        while True:
            change = feed.next_change(job_id)
            events = await feed.read(job_id, after_seq=request.after_seq, limit=limit)
            last_seq, is_final = await feed.position(job_id)
            left_s = give_up_at - asyncio.get_running_loop().time()
            if events or is_final or left_s <= 0 or draining.is_set():
                return pb.ListTrainJobEventsResponse(
                    log_id=self._store.log_id, events=events, last_seq=last_seq, is_final=is_final
                )
            await wait_for_change(change, draining, left_s)

    async def CancelTrainJob(  # noqa: N802
        self, request: pb.CancelTrainJobRequest, context: Context
    ) -> pb.CancelTrainJobResponse:
        """Ask a job to stop."""
        request_id = checked_request_id(request.request_id)
        job = await asyncio.to_thread(self._store.find_job, request.name)
        cancelled = await asyncio.to_thread(
            self._store.request_cancel,
            job.job_id,
            request_id=request_id,
            request_hash=hash_of([job.job_id, request.reason]),
            reason=request.reason,
        )
        return pb.CancelTrainJobResponse(job=job_message(cancelled))

    async def ListExports(  # noqa: N802
        self, request: pb.ListExportsRequest, context: Context
    ) -> pb.ListExportsResponse:
        """Return a page of what a job exported."""
        job = await asyncio.to_thread(self._store.find_job, request.name)
        page = EXPORTS.page(
            await asyncio.to_thread(self._store.exports, job.job_id),
            page_size=request.page_size,
            page_token=request.page_token,
            resource=f"{job_name(job.job_id)}/exports",
        )
        return pb.ListExportsResponse(
            exports=[export_message(job.job_id, export) for export in page.items],
            next_page_token=page.next_page_token,
        )

    async def _checked_job(
        self, request: pb.WatchTrainJobRequest | pb.ListTrainJobEventsRequest
    ) -> str:
        job = await asyncio.to_thread(self._store.find_job, request.name)
        check_position(
            job,
            our_log_id=self._store.log_id,
            log_id=request.log_id,
            after_seq=request.after_seq,
        )
        return job.job_id


def train_job_registration(servicer: TrainJobServicer) -> Registration:
    """Return how the servicer is added to a server."""
    return Registration(
        add=train_job_service_pb2_grpc.add_TrainJobServiceServicer_to_server,
        servicer=servicer,
        full_name=FULL_NAME,
    )


def checked_request_id(text: str) -> str:
    """Return a UUID in its usual spelling, so that two spellings of one id are one id.

    Raises:
        InvalidRequest: FIELD_INVALID, it is not a UUID.
    """
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        why = f"{text[:60]!r} is not a UUID; choose a random one for each new request"
        raise invalid([Violation(field="request_id", description=why)]) from error


def hash_of(request: JobSpec | list[str]) -> str:
    """Return the sha256 of a request with its defaults filled in."""
    text = json.dumps(to_plain(request), sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _checked_page(request: pb.ListTrainJobEventsRequest) -> tuple[int, float]:
    """Return how many events at most, and how many seconds to wait for the first."""
    violations = []
    if request.page_size < 0:
        why = f"{request.page_size} is negative"
        violations.append(Violation(field="page_size", description=why))
    wait_s = seconds_of(request.wait)
    if wait_s < 0:
        violations.append(Violation(field="wait", description=f"{wait_s} s is negative"))
    if violations:
        raise invalid(violations)
    return min(request.page_size, MAX_EVENTS) or DEFAULT_EVENTS, min(wait_s, MAX_WAIT_S)
