"""Calls about a job's events: the stream and its unary twin."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from catalog_service.errors import Violation, invalid
from catalog_service.serving.call import Context
from trainer_service.api.durations import seconds_of
from trainer_service.api.event_bytes import messages_of, num_fitting
from trainer_service.api.rooms import TrainerRooms
from trainer_service.api.watch import Watch, check_cursor, check_position, timing_of
from trainer_service.job_store import LogEnds
from vertebra.trainer.v1 import train_job_service_pb2 as pb

DEFAULT_EVENTS, MAX_EVENTS = 500, 5000
MAX_PAGE_BYTES = 3 << 20
"""Of one answer's events; clients take 4 MiB by default."""
MAX_WAIT_S = 25.0


class LogCalls:
    """One method a call."""

    def __init__(self, rooms: TrainerRooms) -> None:
        self._rooms = rooms
        self._store = rooms.store

    async def watch(
        self, request: pb.WatchTrainJobRequest, context: Context
    ) -> AsyncGenerator[bytes, None]:
        """Yield a job's events until there are no more, or the stream is better opened anew."""
        check_cursor(request)
        timing = timing_of(request, slow_reader_s=self._rooms.slow_reader_s)
        watch = Watch(
            ends=await self._checked_ends(request),
            log_id=self._store.log_id,
            after_seq=request.after_seq,
            feed=self._rooms.feed,
            timing=timing,
        )
        async with aclosing(watch.messages()) as messages:
            async for message in messages:
                yield message

    async def list_events(
        self, request: pb.ListTrainJobEventsRequest, context: Context
    ) -> pb.ListTrainJobEventsResponse:
        """Return events after a position, waiting for the first if that was asked for."""
        check_cursor(request)
        limit, wait_s = _checked_page(request)
        ends = await self._checked_ends(request)
        if wait_s and request.after_seq >= ends.last_seq:
            await self._wait_for_event(ends, request.after_seq, wait_s)
        elements = await self._rooms.feed.elements(ends.job_id, request.after_seq, limit)
        fitting = elements[: num_fitting(elements, MAX_PAGE_BYTES)]
        last_seq, is_final = await asyncio.to_thread(self._store.position, ends.job_id)
        return pb.ListTrainJobEventsResponse(
            log_id=self._store.log_id,
            events=messages_of(fitting),
            last_seq=last_seq,
            is_final=is_final,
        )

    async def _wait_for_event(self, ends: LogEnds, after_seq: int, wait_s: float) -> None:
        """Return when there is an event, when there will be none, or when the time is over."""
        clock = asyncio.get_running_loop().time
        give_up_at = clock() + wait_s
        feed = self._rooms.feed
        async with feed.reading(ends.job_id, ends.last_seq) as (log, bell):
            while log.last_seq <= after_seq and not (log.is_final or log.error):
                if feed.draining.is_set() or clock() >= give_up_at:
                    return
                await bell.wait(give_up_at)

    async def _checked_ends(
        self, request: pb.WatchTrainJobRequest | pb.ListTrainJobEventsRequest
    ) -> LogEnds:
        ends = await asyncio.to_thread(self._store.log_ends, request.name)
        check_position(
            ends,
            our_log_id=self._store.log_id,
            log_id=request.log_id,
            after_seq=request.after_seq,
        )
        return ends


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
