"""What is done around every call, from the outside in: know it, report it, explain its failure,
and let it in or not."""

import logging
import re
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc

from catalog_service.errors import Exhausted, VertebraError
from catalog_service.serving.call import Call
from catalog_service.serving.drain import InFlight
from catalog_service.serving.interceptors import SlowReader
from catalog_service.serving.limits import Limits, Pool
from catalog_service.serving.logs import request_id
from catalog_service.serving.status import DETAILS_TRAILER, Failure, failure_of
from catalog_service.serving.stream_ends import RESUMED_HEADER, resumed_after
from catalog_service.serving.telemetry import Telemetry

REQUEST_ID_HEADER = "x-request-id"
"""Taken from the caller when it is sane, made otherwise; comes back in the trailing metadata."""

ATTEMPT_HEADER = "x-envoy-attempt-count"
"""Says that a proxy on the way calls again by itself."""

_SANE_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")

log = logging.getLogger(__name__)


class RequestIds:
    """Gives every call an id, in its log lines and in its trailing metadata."""

    @asynccontextmanager
    async def around(self, call: Call) -> AsyncIterator[None]:
        """Set the id for everything that this call does."""
        given = call.metadata.get(REQUEST_ID_HEADER, "")
        is_sane = isinstance(given, str) and _SANE_ID.fullmatch(given)
        call.request_id = str(given) if is_sane else str(uuid.uuid4())
        call.context.set_trailing_metadata(((REQUEST_ID_HEADER, call.request_id),))
        request_id.set(call.request_id)
        yield


class AccessLog:
    """Counts every call and writes one line when it ends; health checks only count."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    @asynccontextmanager
    async def around(self, call: Call) -> AsyncIterator[None]:
        """Measure from here to the end of the call."""
        metrics, began = self._telemetry, time.monotonic()
        metrics.started.labels(call.name).inc()
        metrics.in_flight.labels(call.name, _kind(call)).inc()
        if call.is_stream:
            call.resumed_after = resumed_after(call.metadata.get(RESUMED_HEADER))
        if call.resumed_after:
            metrics.streams_resumed.labels(call.name, call.resumed_after).inc()
        try:
            yield
            call.code = _code_name(call, "OK")
        except Exception:
            call.code = _code_name(call, "UNKNOWN")
            raise
        finally:
            metrics.in_flight.labels(call.name, _kind(call)).dec()
            call.ended_by = _ended_by(call)
            self._report(call, time.monotonic() - began)

    def _report(self, call: Call, duration_s: float) -> None:
        metrics, code = self._telemetry, call.code
        metrics.handled.labels(call.name, code).inc()
        metrics.duration.labels(call.name, code).observe(duration_s)
        metrics.sent.labels(call.name).inc(call.num_sent_bytes)
        metrics.received.labels(call.name).inc(call.num_received_bytes)
        if call.ended_by:
            metrics.streams_ended.labels(call.name, call.ended_by).inc()
        if call.pool is Pool.EXEMPT:
            return
        fields = {
            "rpc": call.name,
            "code": code,
            "reason": call.reason,
            "duration_ms": round(duration_s * 1000, 3),
            "peer": call.context.peer(),
            "principal": call.principal.name,
            "sent_bytes": call.num_sent_bytes,
            "received_bytes": call.num_received_bytes,
        }
        fields |= {"ended_by": call.ended_by} if call.ended_by else {}
        fields |= {"resumed_after": call.resumed_after} if call.resumed_after else {}
        if attempt := call.metadata.get(ATTEMPT_HEADER):
            fields["proxy_attempt"] = str(attempt)[:8]
        log.info("%s %s %.1f ms", call.name, code, duration_s * 1000, extra=fields)


class ErrorMapper:
    """Ends a failed call with the status of its kind of failure; the only place that does."""

    @asynccontextmanager
    async def around(self, call: Call) -> AsyncIterator[None]:
        """Turn an exception into a status; cancellation and a handler's own abort go through."""
        try:
            yield
        except grpc.aio.AbortError:
            raise
        except SlowReader:
            call.reason = "SLOW_READER"
            raise
        except Exception as error:
            if not isinstance(error, VertebraError):
                log.exception("bug in %s", call.name, extra={"rpc": call.name})
            await _abort(call, failure_of(error, call.request_id))


class Admission:
    """Lets calls in up to the limits, each pool by itself; health and reflection always.

    Args:
        in_flight: counts what is inside, for the drain.
    """

    def __init__(self, limits: Limits, telemetry: Telemetry, in_flight: InFlight) -> None:
        self._limits = limits
        self._telemetry = telemetry
        self._in_flight = in_flight
        self._inside: Counter[Pool] = Counter()

    @asynccontextmanager
    async def around(self, call: Call) -> AsyncIterator[None]:
        """Count the call in and out; over the limit it is refused."""
        if call.pool is Pool.EXEMPT:
            yield
            return
        self._check(call.pool)
        self._inside[call.pool] += 1
        self._in_flight.enter()
        try:
            yield
        finally:
            self._inside[call.pool] -= 1
            self._in_flight.leave()

    def _check(self, pool: Pool) -> None:
        limit = self._limits.of(pool)
        if limit is not None and self._inside[pool] >= limit:
            self._telemetry.refused.labels(pool.value).inc()
            raise Exhausted(
                f"{limit} {pool.value} calls are being served, which is the most at once; "
                f"call again in {self._limits.retry_after_s:g} s",
                reason="SERVER_BUSY",
                retry_after_s=self._limits.retry_after_s,
            )


async def _abort(call: Call, failure: Failure) -> None:
    call.reason = failure.reason
    await call.linger()
    trailers = ((DETAILS_TRAILER, failure.details), (REQUEST_ID_HEADER, call.request_id))
    await call.context.abort(failure.code, failure.message, trailers)


def _code_name(call: Call, fallback: str) -> str:
    code = call.context.code()
    return code.name if isinstance(code, grpc.StatusCode) else fallback


def _ended_by(call: Call) -> str:
    """Return what ended a stream: what it said itself, or what became of the call; empty for calls
    that are no streams.
    """
    if not call.is_stream:
        return ""
    if call.reason == "SLOW_READER":
        return "slow_consumer"
    ends = {"OK": call.stream_end or "completed", "CANCELLED": "cancelled"}
    return ends.get(call.code, "error")


def _kind(call: Call) -> str:
    return "stream" if call.is_stream else "unary"
