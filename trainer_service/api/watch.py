"""One watcher of one job: its events in order, bookmarks while nothing happens, and a typed end."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass

from catalog_service.errors import Violation, invalid
from catalog_service.serving.stays import stay_of_caller
from catalog_service.serving.stream_ends import say_end
from trainer_service.api.durations import seconds_of, time_message
from trainer_service.api.event_feed import EventFeed
from trainer_service.api.job_log import JobLog
from trainer_service.errors import CursorAhead, CursorCompacted, LogReplaced
from trainer_service.job_store import LogEnds
from vertebra.model.v1.stream_pb2 import StreamEnd
from vertebra.trainer.v1 import train_job_service_pb2 as pb

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


def check_position(ends: LogEnds, *, our_log_id: str, log_id: str, after_seq: int) -> None:
    """Raise if a cursor is not a position in this job's log."""
    if log_id and log_id != our_log_id:
        raise LogReplaced(
            f"log {log_id!r} is not this one, {our_log_id!r}: start again at 0",
            metadata={"log_id": our_log_id},
        )
    if after_seq > ends.last_seq:
        raise CursorAhead(
            f"after_seq {after_seq} is ahead of the newest event, {ends.last_seq}",
            metadata={"newest_seq": str(ends.last_seq)},
        )
    if after_seq + 1 < ends.first_seq:
        raise CursorCompacted(
            f"events after {after_seq} are not kept any more; the oldest that is has seq"
            f" {ends.first_seq}: read QueryMetrics, then go on after {ends.first_seq - 1}",
            metadata={"oldest_seq": str(ends.first_seq)},
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
        ends: of the log, when the call came.
        after_seq: where it begins.
    """

    def __init__(
        self,
        *,
        ends: LogEnds,
        log_id: str,
        after_seq: int,
        feed: EventFeed,
        timing: WatchTiming,
    ) -> None:
        self._ends = ends
        self._log_id = log_id
        self._cursor = after_seq
        self._feed = feed
        self._timing = timing
        self._stay = stay_of_caller()
        self._log: JobLog | None = None
        self._taken = after_seq
        self._behind_since: float | None = None

    @property
    def lag_events(self) -> int:
        """How many events the reader has not taken."""
        return self._log.last_seq - self._taken if self._log is not None else 0

    @property
    def lag_s(self) -> float:
        """Since when it is not up to date."""
        since = self._behind_since
        return time.monotonic() - since if since is not None and self.lag_events else 0.0

    async def messages(self) -> AsyncGenerator[bytes, None]:
        """Yield batches of events and bookmarks, and the end as the last message: serialised."""
        reading = self._feed.reading(self._ends.job_id, self._ends.last_seq)
        async with AsyncExitStack() as stack:
            log, bell = await stack.enter_async_context(reading)
            await stack.enter_async_context(self._feed.readers.watching(self))
            stack.enter_context(self._stay.telling(bell.ring))
            self._log = log
            clock = asyncio.get_running_loop().time
            rotate_at = clock() + self._timing.max_duration_s
            bookmark_at = clock() + self._timing.heartbeat_s
            while (reason := self._reason_to_end(log, is_old=clock() >= rotate_at)) is None:
                message = await self._next_batch(log)
                if message is None and clock() >= bookmark_at:
                    message = self._bookmark()
                if message is not None:
                    sent_at = clock()
                    self._behind_since = self._behind_since or time.monotonic()
                    yield message
                    self._taken = self._cursor
                    if not self.lag_events:
                        self._behind_since = None
                    bookmark_at = clock() + self._timing.heartbeat_s
                    if clock() - sent_at > self._timing.slow_reader_s:
                        reason = StreamEnd.REASON_SLOW_CONSUMER
                        break
                elif self._cursor >= log.last_seq:
                    await bell.wait(min(bookmark_at, rotate_at))
            yield self._end(reason)

    def _reason_to_end(self, log: JobLog, *, is_old: bool) -> StreamEnd.Reason | None:
        """Return why the stream ends now. Raises what keeps the log from being read."""
        if log.error is not None:
            raise log.error
        if log.is_final and self._cursor == log.last_seq:
            return StreamEnd.REASON_COMPLETED
        if self._feed.draining.is_set():
            return StreamEnd.REASON_DRAINING
        if self._stay.is_over:
            return StreamEnd.REASON_AUTH_EXPIRED
        return StreamEnd.REASON_ROTATE if is_old else None

    async def _next_batch(self, log: JobLog) -> bytes | None:
        events = await self._feed.after(log, self._cursor)
        if events is None:
            return None
        self._cursor = events.last_seq
        return events.data

    def _bookmark(self) -> bytes:
        bookmark = pb.Bookmark(seq=self._cursor, server_time=time_message(time.time()))
        return self._serialised(pb.WatchTrainJobResponse(bookmark=bookmark))

    def _end(self, reason: StreamEnd.Reason) -> bytes:
        say_end(reason)
        end = StreamEnd(reason=reason, resume_after=self._cursor)
        return self._serialised(pb.WatchTrainJobResponse(end=end))

    def _serialised(self, message: pb.WatchTrainJobResponse) -> bytes:
        message.log_id = self._log_id
        return message.SerializeToString()
