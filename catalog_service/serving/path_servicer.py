"""PathService, on both services: what the way between a client and this server does to calls.

Each answer is made from the call alone; only the probes of CountCalls are kept, in memory and for
ten minutes, so that they need no store and cost nothing when nobody asks.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import suppress
from typing import TypeAlias

from google.protobuf.duration_pb2 import Duration

from catalog_service.errors import Exhausted, Unavailable, Violation, invalid
from catalog_service.serving.call import Context
from catalog_service.serving.drain import Drain
from catalog_service.serving.ending import Ending, ending
from catalog_service.serving.principals import caller
from catalog_service.serving.server import Registration
from vertebra.diagnostics.v1 import path_service_pb2 as pb
from vertebra.diagnostics.v1.path_service_pb2_grpc import add_PathServiceServicer_to_server
from vertebra.model.v1.stream_pb2 import Heartbeat, StreamEnd

FULL_NAME = "vertebra.diagnostics.v1.PathService"

MAX_ANSWER_BYTES = 6 << 20
MAX_HOLD_S = 3600.0
MIN_INTERVAL_S = 0.01
MAX_FAILURES = 10
MAX_PROBES = 1000
PROBE_AGE_S = 600.0
MAX_HEADERS = 32
MAX_HEADER_CHARS = 256

SHOWN_PREFIX = "x-envoy-"
SHOWN_NAMES = frozenset(
    {
        "grpc-previous-rpc-attempts",
        "traceparent",
        "user-agent",
        "via",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-proto",
        "x-request-id",
    }
)
"""Others that begin with x-forwarded- hold certificates and tokens that a proxy keeps from its
callers, such as x-forwarded-access-token."""
ATTEMPT_NAMES = frozenset({"grpc-previous-rpc-attempts", "x-envoy-attempt-count"})

Metadata: TypeAlias = Iterable[tuple[str, str | bytes]] | None
Clock = Callable[[], float]


class Probes:
    """How often each probe was called; one is forgotten after `PROBE_AGE_S`.

    Args:
        clock: seconds that only go forward.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._calls: dict[str, tuple[float, int]] = {}

    def count(self, probe_id: str) -> int:
        """Count a call and return how many there were. Raises Exhausted."""
        now = self._clock()
        self._forget(now - PROBE_AGE_S)
        began, num_calls = self._calls.get(probe_id, (now, 0))
        if num_calls == 0 and len(self._calls) >= MAX_PROBES:
            oldest = next(iter(self._calls.values()))[0]
            raise Exhausted(
                f"{MAX_PROBES} probes are under way, which is the most; the oldest is forgotten "
                f"{PROBE_AGE_S / 60:.0f} minutes after it began",
                retry_after_s=oldest + PROBE_AGE_S - now,
            )
        self._calls[probe_id] = (began, num_calls + 1)
        return num_calls + 1

    def _forget(self, before: float) -> None:
        """Drop what began earlier: the first ones, because a dict keeps the order."""
        while self._calls and next(iter(self._calls.values()))[0] <= before:
            del self._calls[next(iter(self._calls))]


class PathServicer:
    """The servicer; register it with `path_registration`.

    Args:
        drain: held streams end with DRAINING when it begins.
    """

    def __init__(self, drain: Drain, probes: Probes | None = None) -> None:
        self._drain = drain
        self._probes = probes or Probes()

    async def Echo(  # noqa: N802  # the contract's spelling
        self, request: pb.EchoRequest, context: Context
    ) -> pb.EchoResponse:
        """Return what arrived."""
        if not 0 <= request.answer_bytes <= MAX_ANSWER_BYTES:
            raise invalid([_answer_bytes_violation(request.answer_bytes)])
        answer = pb.EchoResponse(
            request_bytes=request.ByteSize(),
            padding=bytes(request.answer_bytes),
            headers=_headers(context.invocation_metadata(), _is_shown),
            peer=context.peer(),
            principal=caller.get().name,
            time_remaining=_duration(context.time_remaining()),
        )
        answer.server_time.GetCurrentTime()
        return answer

    async def HoldStream(  # noqa: N802
        self, request: pb.HoldStreamRequest, context: Context
    ) -> AsyncGenerator[pb.HoldStreamResponse, None]:
        """Yield a sign of life every interval, then the end."""
        duration_s, interval_s = _hold_times(request)
        ends_at = time.monotonic() + duration_s
        reason = StreamEnd.REASON_COMPLETED
        async with ending(self._drain.draining) as ends:
            while (left_s := ends_at - time.monotonic()) > 0:
                if await _is_near_within(ends, min(interval_s, left_s)):
                    reason = ends.reason
                    break
                if time.monotonic() < ends_at:
                    yield _heartbeat()
        yield pb.HoldStreamResponse(end=StreamEnd(reason=reason))

    async def CountCalls(  # noqa: N802
        self, request: pb.CountCallsRequest, context: Context
    ) -> pb.CountCallsResponse:
        """Fail as often as was asked, then say how often this was called."""
        violations = list(_probe_violations(request))
        if violations:
            raise invalid(violations)
        num_calls = self._probes.count(request.probe_id)
        if num_calls <= request.num_failures:
            raise Unavailable(
                f"call {num_calls} of probe {request.probe_id!r} fails, as was asked for",
                reason="PROBE_FAILED",
                metadata={"num_calls": str(num_calls)},
            )
        headers = _headers(context.invocation_metadata(), ATTEMPT_NAMES.__contains__)
        return pb.CountCallsResponse(num_calls=num_calls, headers=headers)


async def _is_near_within(ends: Ending, timeout_s: float) -> bool:
    with suppress(TimeoutError):
        await asyncio.wait_for(ends.over.wait(), timeout_s)
    return ends.is_near


def path_registration(servicer: PathServicer) -> Registration:
    """Return how to add the service to a server."""
    return Registration(
        add=add_PathServiceServicer_to_server, servicer=servicer, full_name=FULL_NAME
    )


def _answer_bytes_violation(asked: int) -> Violation:
    return Violation(
        field="answer_bytes",
        description=f"{asked} are asked for; should be 0 to {MAX_ANSWER_BYTES}",
    )


def _hold_times(request: pb.HoldStreamRequest) -> tuple[float, float]:
    """Return duration and interval in seconds. Raises InvalidRequest."""
    duration_s = _seconds(request.duration)
    interval_s = _seconds(request.interval) if request.HasField("interval") else duration_s
    violations = []
    if not 0 < duration_s <= MAX_HOLD_S:
        should = f"should be more than 0 and at most {MAX_HOLD_S:.0f} s"
        violations.append(Violation(field="duration", description=f"{duration_s:g} s; {should}"))
    elif interval_s < min(MIN_INTERVAL_S, duration_s):
        should = f"should be at least {MIN_INTERVAL_S:g} s"
        violations.append(Violation(field="interval", description=f"{interval_s:g} s; {should}"))
    if violations:
        raise invalid(violations)
    return duration_s, interval_s


def _probe_violations(request: pb.CountCallsRequest) -> Iterable[Violation]:
    if not _is_uuid(request.probe_id):
        described = f"{request.probe_id[:100]!r} is no UUID; make a new one for each probe"
        yield Violation(field="probe_id", description=described)
    if not 0 <= request.num_failures <= MAX_FAILURES:
        described = f"{request.num_failures}; should be 0 to {MAX_FAILURES}"
        yield Violation(field="num_failures", description=described)


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def _headers(metadata: Metadata, is_wanted: Callable[[str], bool]) -> list[pb.Header]:
    found = (
        pb.Header(name=name, value=value[:MAX_HEADER_CHARS])
        for name, value in metadata or ()
        if is_wanted(name) and isinstance(value, str)
    )
    return [header for header, _ in zip(found, range(MAX_HEADERS), strict=False)]


def _is_shown(name: str) -> bool:
    return name in SHOWN_NAMES or name.startswith(SHOWN_PREFIX)


def _heartbeat() -> pb.HoldStreamResponse:
    heartbeat = Heartbeat()
    heartbeat.server_time.GetCurrentTime()
    return pb.HoldStreamResponse(heartbeat=heartbeat)


def _seconds(duration: Duration) -> float:
    return duration.seconds + duration.nanos / 1e9


def _duration(seconds: float | None) -> Duration | None:
    if seconds is None:
        return None
    duration = Duration()
    duration.FromNanoseconds(int(seconds * 1e9))
    return duration
