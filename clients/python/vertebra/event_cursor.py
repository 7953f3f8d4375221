"""A watch of a job: where it stands, and what it does where events are not kept any more."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import grpc
from google.protobuf import duration_pb2

from vertebra.client_errors import AnswerRefused, RpcFailed
from vertebra.model.v1 import stream_pb2
from vertebra.trainer.v1 import train_event_pb2 as events
from vertebra.trainer.v1 import train_job_service_pb2 as wire

HEARTBEATS = 6
"""A stream is given up after so many heartbeats that did not come."""

HEARTBEAT_RANGE_S = (1.0, 15.0)
"""The shortest that the contract allows, and its usual one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventGap:
    """Events that the trainer does not keep any more: both ends are among them."""

    first_seq: int
    last_seq: int


class EventsCompacted(RpcFailed):
    """Events that were asked for are not kept any more. `gap` says which."""

    def __init__(self, name: str, gap: EventGap) -> None:
        super().__init__(
            grpc.StatusCode.OUT_OF_RANGE,
            f"{name}: events {gap.first_seq} to {gap.last_seq} are not kept any more; `metrics` "
            f"still has their curves, and a watch after {gap.last_seq} goes on from there",
            reason="CURSOR_COMPACTED",
            metadata={"oldest_seq": str(gap.last_seq + 1)},
        )
        self.gap = gap


OnGap = Callable[[EventGap], None]


class EventCursor:
    """The last event that came; the next one must be its successor.

    Args:
        after_seq: the last event that is not wanted; 0 asks for all that are kept.
        on_gap: told of events that went before they were read; None refuses to go on without them.
        idle_s: how long a silent stream is trusted; heartbeats come often enough for that.
    """

    def __init__(
        self,
        name: str,
        after_seq: int = 0,
        *,
        on_gap: OnGap | None = None,
        idle_s: float = 90.0,
    ) -> None:
        self._name = name
        self._seq = after_seq
        self._log_id = ""
        self._on_gap = on_gap
        shortest, longest = HEARTBEAT_RANGE_S
        self._heartbeat_s = min(longest, max(shortest, idle_s / HEARTBEATS))

    def request(self) -> wire.WatchTrainJobRequest:
        """Return the request for the events after the last one."""
        heartbeat = duration_pb2.Duration()
        heartbeat.FromMilliseconds(round(self._heartbeat_s * 1000))
        return wire.WatchTrainJobRequest(
            name=self._name, log_id=self._log_id, after_seq=self._seq, heartbeat=heartbeat
        )

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

    def refused(self, failure: RpcFailed) -> bool:
        """Move to the oldest event that is kept, where that is why the service refused.

        A watch from the start begins there by itself: nobody has read what is gone.

        Raises:
            EventsCompacted: events after the last one that was read are gone.
        """
        oldest = int(failure.metadata.get("oldest_seq", "0") or 0)
        if failure.reason != "CURSOR_COMPACTED" or oldest <= self._seq + 1:
            return False
        gap = EventGap(first_seq=self._seq + 1, last_seq=oldest - 1)
        if self._on_gap is not None:
            self._on_gap(gap)
        elif self._seq:
            raise EventsCompacted(self._name, gap) from failure
        self._seq = gap.last_seq
        return True

    def _check_log(self, log_id: str) -> None:
        if self._log_id not in ("", log_id):
            raise AnswerRefused(f"{self._name}: its events were replaced; watch from the start")
        self._log_id = log_id

    def _check_nothing_missing(self, seq: int) -> None:
        if seq > self._seq:
            raise AnswerRefused(f"{self._name}: events {self._seq + 1} to {seq} never came")
