"""Calls about whole jobs: plan, create, get, list, cancel, pause, resume, delete."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from google.protobuf import json_format

from catalog_service.errors import Violation, invalid
from catalog_service.serving.call import Context
from trainer_service.api.durations import LONGEST_S, seconds_of
from trainer_service.api.job_wire import job_message
from trainer_service.api.names import job_and_snapshot
from trainer_service.api.plan_wire import plan_message
from trainer_service.api.planning import PlannedJob, plan_job
from trainer_service.api.request_ids import checked_request_id, hash_of
from trainer_service.api.rooms import TrainerRooms
from trainer_service.api.spec_wire import read_spec, spec_message
from trainer_service.errors import SnapshotNotFound
from trainer_service.job_store import NewJob
from trainer_service.jobs import JobSpec
from trainer_service.jobs.trace import trace_below
from trainer_service.supervisor.attempt_spans import send_unheld
from vertebra.tracing import current_traceparent
from vertebra.trainer.v1 import train_job_service_pb2 as pb

DEFAULT_PAUSE_S = 120.0


class JobCalls:
    """One method a call."""

    def __init__(self, rooms: TrainerRooms) -> None:
        self._rooms = rooms
        self._store = rooms.store

    async def plan(
        self, request: pb.PlanTrainJobRequest, context: Context
    ) -> pb.PlanTrainJobResponse:
        """Return what a spec would do."""
        planned = await self._planned(*read_spec(request.spec))
        return pb.PlanTrainJobResponse(
            plan=plan_message(planned.plan), spec=spec_message(planned.spec)
        )

    async def create(
        self, request: pb.CreateTrainJobRequest, context: Context
    ) -> pb.CreateTrainJobResponse:
        """Store a job, or return the one that this request made before."""
        request_id = checked_request_id(request.request_id)
        spec, wrong = read_spec(request.spec)
        request_hash = hash_of(spec)
        known = await asyncio.to_thread(self._store.recall_creation, request_id, request_hash)
        if known is not None:
            return pb.CreateTrainJobResponse(job=job_message(known), replayed=True)
        planned = await self._planned(spec, wrong)
        await self._rooms.catalog.require_bytes(planned.spec.model)
        new = NewJob(
            spec=planned.spec,
            sent_spec=json_format.MessageToJson(request.spec, indent=None),
            request_id=request_id,
            request_hash=request_hash,
            trace=trace_below(current_traceparent()),
        )
        created = await asyncio.to_thread(self._store.create_job, new)
        return pb.CreateTrainJobResponse(job=job_message(created.job), replayed=created.replayed)

    async def get(self, request: pb.GetTrainJobRequest, context: Context) -> pb.GetTrainJobResponse:
        """Return one job, with its attempts."""
        job = await asyncio.to_thread(self._store.find_job, request.name)
        attempts = await asyncio.to_thread(self._store.attempts, job.job_id)
        return pb.GetTrainJobResponse(job=job_message(job, attempts))

    async def list(
        self, request: pb.ListTrainJobsRequest, context: Context
    ) -> pb.ListTrainJobsResponse:
        """Return a page of jobs."""
        page = await asyncio.to_thread(
            self._store.page_of_jobs,
            filter=request.filter,
            order_by=request.order_by,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return pb.ListTrainJobsResponse(
            jobs=[job_message(job) for job in page.items],
            next_page_token=page.next_page_token,
            total_size=page.total_size,
        )

    async def cancel(
        self, request: pb.CancelTrainJobRequest, context: Context
    ) -> pb.CancelTrainJobResponse:
        """Ask a job to stop."""
        request_id = checked_request_id(request.request_id)
        job_id = await asyncio.to_thread(self._store.find_id, request.name)
        cancelled = await asyncio.to_thread(
            self._store.request_cancel,
            job_id,
            request_id=request_id,
            request_hash=hash_of([job_id, request.reason]),
            reason=request.reason,
        )
        if cancelled.has_ended:
            await send_unheld(self._rooms.tracing, cancelled.job)
        return pb.CancelTrainJobResponse(job=job_message(cancelled.job))

    async def pause(
        self, request: pb.PauseTrainJobRequest, context: Context
    ) -> pb.PauseTrainJobResponse:
        """Ask a job to save itself and free its devices."""
        request_id = checked_request_id(request.request_id)
        within_s = _pause_s(request)
        job_id = await asyncio.to_thread(self._store.find_id, request.name)
        paused = await asyncio.to_thread(
            self._store.request_pause,
            job_id,
            request_id=request_id,
            request_hash=hash_of([job_id, request.reason, repr(within_s)]),
            reason=request.reason,
            within_s=within_s,
        )
        return pb.PauseTrainJobResponse(job=job_message(paused))

    async def resume(
        self, request: pb.ResumeTrainJobRequest, context: Context
    ) -> pb.ResumeTrainJobResponse:
        """Put a job back into the queue."""
        request_id = checked_request_id(request.request_id)
        job_id = await asyncio.to_thread(self._store.find_id, request.name)
        snapshot_id = _snapshot_of(job_id, request.snapshot)
        resumed = await asyncio.to_thread(
            self._store.request_resume,
            job_id,
            request_id=request_id,
            request_hash=hash_of([job_id, request.reason, snapshot_id]),
            reason=request.reason,
            snapshot_id=snapshot_id,
        )
        return pb.ResumeTrainJobResponse(job=job_message(resumed))

    async def delete(
        self, request: pb.DeleteTrainJobRequest, context: Context
    ) -> pb.DeleteTrainJobResponse:
        """Delete a job that is over or paused; the store remembers it for repeated requests."""
        request_id = checked_request_id(request.request_id)
        await asyncio.to_thread(
            self._store.delete_job,
            request.name,
            request_id=request_id,
            request_hash=hash_of([request.name.removeprefix("trainJobs/")]),
        )
        return pb.DeleteTrainJobResponse()

    async def _planned(self, spec: JobSpec, wrong: Sequence[Violation]) -> PlannedJob:
        hosts = await asyncio.to_thread(self._store.hosts)
        most = max((len(host.devices) for host in hosts), default=0)
        here = replace(self._rooms.host, max_devices=most)
        return await plan_job(spec, self._rooms.catalog, here, wrong)


def _pause_s(request: pb.PauseTrainJobRequest) -> float:
    """Return how long saving may take.

    Raises:
        InvalidRequest: FIELD_INVALID, it is not positive.
    """
    if not request.HasField("deadline"):
        return DEFAULT_PAUSE_S
    within_s = seconds_of(request.deadline)
    if within_s <= 0:
        raise invalid([Violation(field="deadline", description=f"{within_s:g} s is not positive")])
    return min(within_s, LONGEST_S)


def _snapshot_of(job_id: str, name: str) -> str:
    """Return the id of a snapshot of this job, "" where none is named.

    Raises:
        SnapshotNotFound: the name is none, or another job's.
    """
    if not name:
        return ""
    owner, snapshot_id = job_and_snapshot(name)
    if not job_id.startswith(owner.removeprefix("trainJobs/")):
        raise SnapshotNotFound(f"{name!r} is a snapshot of another job, not of {job_id}")
    return snapshot_id
