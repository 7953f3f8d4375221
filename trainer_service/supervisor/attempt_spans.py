"""The spans of a job and of one of its attempts: sent when they are over, whoever began them.

Nothing here may hold up a job or fail it. Where nobody asked for traces nothing happens.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

from catalog_service.serving.logs import trace_id
from trainer_service.job_store import Attempt, Hold, JobRecord
from trainer_service.jobs import FINAL_STATES, AttemptEnd, ExitClass, JobState
from trainer_service.jobs.trace import JobTrace, WorkSpan, job_trace
from trainer_service.supervisor.rooms import Rooms
from trainer_service.supervisor.span_lines import SpanLines
from vertebra.tracing import Attributes, FinishedSpan, Tracing

WORKER_SERVICE = "vertebra-worker"
SHIP_EVERY_S = 1.0

IN_ORDER = frozenset(
    {ExitClass.FINISHED, ExitClass.PAUSED, ExitClass.CANCELLED, ExitClass.PREEMPTED}
)
"""Ends that are no failures."""

log = logging.getLogger(__name__)

Ship = Callable[[], Awaitable[None]]


async def send_nothing() -> None:
    """What is done for a worker of which nobody wants spans."""


class AttemptSpans:
    """Sends what is known of one attempt.

    Args:
        folder: of the attempt.
    """

    def __init__(self, hold: Hold, rooms: Rooms, folder: Path) -> None:
        self._hold = hold
        self._rooms = rooms
        self._lines = SpanLines(folder)
        self._job: JobRecord | None = None
        self._trace: JobTrace | None = None
        self._attempt: Attempt | None = None
        self._ship_at = 0.0

    async def of(self, job: JobRecord) -> None:
        """Take note of the job as it stands; what is logged from here on belongs to its trace."""
        self._job = job
        if self._trace is None and (found := job_trace(job.trace)) is not None:
            trace_id.set(found.trace_id)
            if self._rooms.tracing is not None:
                self._attempt = await asyncio.to_thread(self._rooms.store.attempt, job.job_id)
                self._trace = found

    @contextmanager
    def doing(self, name: str) -> Iterator[None]:
        """Measure work of this process for the attempt; calls to the catalog are below it."""
        tracing, parent = self._rooms.tracing, self._traceparent()
        with tracing.span(name, parent) if tracing and parent else nullcontext():
            yield

    async def ship(self) -> None:
        """Send what the worker wrote down, where that was not done just now."""
        if self._trace is not None and time.monotonic() >= self._ship_at:
            self._ship_at = time.monotonic() + SHIP_EVERY_S
            await _careful(self._send_lines)

    async def over(self, end: AttemptEnd, final: JobState | None = None) -> None:
        """Send what is left of the attempt, now that it is over; the job's span too, if that is."""
        if self._trace is None:
            return
        await _careful(lambda: self._send_end(end))
        if final is not None:
            await _careful(lambda: self._send_job(final, end))

    def _traceparent(self) -> str:
        if self._trace is None or self._attempt is None:
            return ""
        return self._trace.traceparent(self._trace.attempt_id(self._attempt.nonce))

    def _send_lines(self) -> None:
        while ended := self._lines.read():
            for span in ended:
                self._send_work(span)

    def _send_work(self, span: WorkSpan, lost_at: float = 0.0) -> None:
        self._send(work_span(self._trace_id, span, lost_at))

    def _send_end(self, end: AttemptEnd) -> None:
        self._send_lines()
        for span in self._lines.open:
            self._send_work(span, lost_at=time.time())
        assert self._attempt is not None and self._trace is not None
        self._send(attempt_span(self._trace, self._attempt, end))

    def _send_job(self, final: JobState, end: AttemptEnd) -> None:
        assert self._job is not None and self._trace is not None
        is_failed = final is JobState.FAILED
        error = (end.reason or end.exit_class.value) if is_failed else ""
        self._send(job_span(self._trace, self._job, final, error))

    @property
    def _trace_id(self) -> str:
        assert self._trace is not None
        return self._trace.trace_id

    def _send(self, span: FinishedSpan) -> None:
        assert self._rooms.tracing is not None
        self._rooms.tracing.send(span)


def work_span(trace_id: str, span: WorkSpan, lost_at: float = 0.0) -> FinishedSpan:
    """Return a piece of a worker's work; one that it did not end has ended at `lost_at`."""
    return FinishedSpan(
        trace_id=trace_id,
        span_id=span.span_id,
        parent_id=span.parent_id,
        name=span.name,
        start_s=span.start_s,
        end_s=lost_at if span.end_s is None else span.end_s,
        attributes=span.attributes,
        error="the worker ended in the middle of it" if lost_at else span.error,
        service=WORKER_SERVICE,
    )


def job_span(trace: JobTrace, job: JobRecord, final: JobState, error: str = "") -> FinishedSpan:
    """Return the span of a job that ends now."""
    attributes: Attributes = {
        "vertebra.job": job.job_id,
        "vertebra.job.state": final.value,
        "vertebra.job.attempts": job.attempt,
        "vertebra.model": job.spec.model.backbone,
    }
    return FinishedSpan(
        trace_id=trace.trace_id,
        span_id=trace.span_id,
        parent_id=trace.parent_id,
        name="job",
        start_s=job.create_time,
        end_s=time.time(),
        attributes=attributes,
        error=error,
    )


def attempt_span(trace: JobTrace, attempt: Attempt, end: AttemptEnd) -> FinishedSpan:
    """Return the span of an attempt that ends now."""
    is_failed = end.exit_class not in IN_ORDER
    return FinishedSpan(
        trace_id=trace.trace_id,
        span_id=trace.attempt_id(attempt.nonce),
        parent_id=trace.span_id,
        name="attempt",
        start_s=attempt.start_time,
        end_s=time.time(),
        attributes={
            "vertebra.attempt": attempt.number,
            "vertebra.exit_class": end.exit_class.value,
        },
        error=(end.reason or end.exit_class.value) if is_failed else "",
    )


def send_lost(rooms: Rooms, job_id: str) -> None:
    """Send the span of an attempt whose host is not heard of any more, and what its worker wrote
    down and nobody sent, where this host sees that file; the job's span too, if it is over by that.
    """
    job = rooms.store.find_job(job_id)
    trace = job_trace(job.trace)
    attempt = rooms.store.attempt(job_id)
    if rooms.tracing is None or trace is None or attempt is None:
        return
    lines = SpanLines(rooms.attempt_folder(job_id, attempt.number))
    while ended := lines.read():
        for span in ended:
            rooms.tracing.send(work_span(trace.trace_id, span))
    for span in lines.open:
        rooms.tracing.send(work_span(trace.trace_id, span, lost_at=time.time()))
    rooms.tracing.send(attempt_span(trace, attempt, AttemptEnd(exit_class=ExitClass.HOST_LOST)))
    if job.state in FINAL_STATES:
        error = job.state_reason if job.state is JobState.FAILED else ""
        rooms.tracing.send(job_span(trace, job, job.state, error))


async def send_all_lost(rooms: Rooms, job_ids: list[str]) -> None:
    """Send the spans of what lost hosts left."""
    for job_id in job_ids if rooms.tracing is not None else ():
        await _careful(partial(send_lost, rooms, job_id))


def span_parent(job: JobRecord, attempt: Attempt, rooms: Rooms) -> str:
    """Return what the worker's spans are below; empty where nobody wants to know."""
    trace = job_trace(job.trace)
    return trace.attempt_id(attempt.nonce) if rooms.tracing and trace else ""


async def send_unheld(tracing: Tracing | None, job: JobRecord) -> None:
    """Send the span of a job that a call has ended while no host held it."""
    trace = job_trace(job.trace)
    if tracing is not None and trace is not None:
        await _careful(lambda: tracing.send(job_span(trace, job, job.state)))


async def _careful(send: Callable[[], None]) -> None:
    """Do it in a thread: it looks at files. A trace is worth no job."""
    try:
        await asyncio.to_thread(send)
    except Exception:
        log.exception("spans could not be sent")
