"""One watcher of one job: its events in order, bookmarks while nothing happens, and a typed end."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from catalog_service.errors import Violation, invalid
from trainer_service.api.durations import seconds_of, time_message
from trainer_service.api.event_feed import EventFeed
from trainer_service.errors import CursorAhead, LogReplaced
from trainer_service.job_store import JobRecord
from vertebra.model.v1.stream_pb2 import StreamEnd
from vertebra.trainer.v1 import train_job_service_pb2 as pb

BATCH_EVENTS = 500
DEFAULT_HEARTBEAT_S = 15.0
HEARTBEAT_RANGE_S = (1.0, 60.0)
MAX_DURATION_S = 30 * 60.0
JITTER = 0.1
"""Streams that began together do not come back together."""
SLOW_READER_S = 30.0
"""A reader that takes one message for longer than this is sent away with its cursor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchTiming:
    """How a stream behaves."""

    heartbeat_s: float = DEFAULT_HEARTBEAT_S
    max_duration_s: float = MAX_DURATION_S
    slow_reader_s: float = SLOW_READER_S


def check_cursor(request: pb.WatchTrainJobRequest | pb.ListTrainJobEventsRequest) -> None:
    """Raise FIELD_INVALID for a cursor that no log could have."""
    if request.after_seq < 0:
        why = f"{request.after_seq} is negative; 0 asks for all events"
        raise invalid([Violation(field="after_seq", description=why)])


def check_position(job: JobRecord, *, our_log_id: str, log_id: str, after_seq: int) -> None:
    """Raise if a cursor is not a position in this job's log."""
    if log_id and log_id != our_log_id:
        raise LogReplaced(
            f"log {log_id!r} is not this one, {our_log_id!r}: start again at 0",
            metadata={"log_id": our_log_id},
        )
    if after_seq > job.last_seq:
        raise CursorAhead(
            f"after_seq {after_seq} is ahead of the newest event, {job.last_seq}",
            metadata={"newest_seq": str(job.last_seq)},
        )


def timing_of(request: pb.WatchTrainJobRequest, *, slow_reader_s: float) -> WatchTiming:
    """Return how a stream should behave.

    Raises:
        InvalidRequest: a heartbeat outside 1 s to 60 s, or a duration that is not positive.
    """
    heartbeat_s, duration_s = DEFAULT_HEARTBEAT_S, MAX_DURATION_S
    shortest, longest = HEARTBEAT_RANGE_S
    violations = []
    if request.HasField("heartbeat"):
        heartbeat_s = seconds_of(request.heartbeat)
        if not shortest <= heartbeat_s <= longest:
            why = f"{heartbeat_s} s is not between {shortest} s and {longest} s"
            violations.append(Violation(field="heartbeat", description=why))
    if request.HasField("max_duration"):
        duration_s = min(seconds_of(request.max_duration), MAX_DURATION_S)
        if duration_s <= 0:
            why = f"{duration_s} s is not positive"
            violations.append(Violation(field="max_duration", description=why))
    if violations:
        raise invalid(violations)
    return WatchTiming(
        heartbeat_s=heartbeat_s,
        max_duration_s=duration_s * (1 - JITTER * random.random()),
        slow_reader_s=slow_reader_s,
    )


class Watch:
    """A stream of one job's events.

    Args:
        after_seq: where it begins.
        draining: set when the server shuts down.
    """

    def __init__(
        self,
        *,
        job_id: str,
        log_id: str,
        after_seq: int,
        feed: EventFeed,
        draining: asyncio.Event,
        timing: WatchTiming,
    ) -> None:
        self._job_id = job_id
        self._log_id = log_id
        self._cursor = after_seq
        self._feed = feed
        self._draining = draining
        self._timing = timing

    async def messages(self) -> AsyncIterator[pb.WatchTrainJobResponse]:
        """Yield batches of events and bookmarks, and the end as the last message."""
        clock = asyncio.get_running_loop().time
        rotate_at = clock() + self._timing.max_duration_s
        bookmark_at = clock() + self._timing.heartbeat_s
        while True:
            change = self._feed.next_change(self._job_id)
            message = await self._next_batch()
            if message is None and clock() >= bookmark_at:
                message = self._bookmark()
            if message is not None:
                sent_at = clock()
                yield message
                bookmark_at = clock() + self._timing.heartbeat_s
                if clock() - sent_at > self._timing.slow_reader_s:
                    yield self._end(StreamEnd.REASON_SLOW_CONSUMER)
                    return
            elif await self._is_over():
                yield self._end(StreamEnd.REASON_COMPLETED)
                return
            if self._draining.is_set():
                yield self._end(StreamEnd.REASON_DRAINING)
                return
            if clock() >= rotate_at:
                yield self._end(StreamEnd.REASON_ROTATE)
                return
            if message is None:
                seconds = max(0.0, min(bookmark_at, rotate_at) - clock())
                await wait_for_change(change, self._draining, seconds)

    async def _next_batch(self) -> pb.WatchTrainJobResponse | None:
        events = await self._feed.read(self._job_id, after_seq=self._cursor, limit=BATCH_EVENTS)
        if not events:
            return None
        self._cursor = events[-1].seq
        return pb.WatchTrainJobResponse(log_id=self._log_id, events=pb.EventBatch(events=events))

    async def _is_over(self) -> bool:
        last_seq, is_final = await self._feed.position(self._job_id)
        return is_final and last_seq == self._cursor

    def _bookmark(self) -> pb.WatchTrainJobResponse:
        bookmark = pb.Bookmark(seq=self._cursor, server_time=time_message(time.time()))
        return pb.WatchTrainJobResponse(log_id=self._log_id, bookmark=bookmark)

    def _end(self, reason: StreamEnd.Reason) -> pb.WatchTrainJobResponse:
        end = StreamEnd(reason=reason, resume_after=self._cursor)
        return pb.WatchTrainJobResponse(log_id=self._log_id, end=end)


async def wait_for_change(change: asyncio.Event, draining: asyncio.Event, seconds: float) -> None:
    """Return when the job changed, the server drains, or the time is over."""
    waits = [asyncio.ensure_future(event.wait()) for event in (change, draining)]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
