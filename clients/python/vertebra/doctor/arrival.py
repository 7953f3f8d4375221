"""What arrives at the service of one call, and what of it the way has added, changed or lost."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

import grpc

from vertebra.client_errors import RpcFailed, from_rpc_error
from vertebra.credentials import is_loopback
from vertebra.diagnostics.v1 import path_service_pb2 as pb
from vertebra.doctor.finding import Certainty, Fault, Finding, Level
from vertebra.doctor.way import Way

TIMEOUT_S = 20.0
NUM_CALLS = 3
CLOCK_TOLERANCE_S = 5.0
"""Times of jobs are shown to people."""
TOKEN_TOLERANCE_S = 60.0
"""Services of ours accept tokens that are this much too early or too late."""

ROUTE_TIMEOUT_HEADER = "x-envoy-expected-rq-timeout-ms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One call, seen from both ends."""

    answer: pb.EchoResponse
    sent_request_id: str
    round_trip_s: float
    clock_ahead_s: float
    """The service's clock against ours, half a round trip off at the most."""
    said: Mapping[str, str]
    """What the answer says of who passed it on."""

    @property
    def headers(self) -> dict[str, str]:
        """What the service saw."""
        return {header.name: header.value for header in self.answer.headers}


def call_through(way: Way) -> Arrival:
    """Return the quickest of a few calls. Raises RpcFailed."""
    with way.stub() as stub:
        try:
            return min((_call(way, stub) for _ in range(NUM_CALLS)), key=lambda a: a.round_trip_s)
        except grpc.RpcError as error:
            raise from_rpc_error(error, way.address) from error


def _call(way: Way, stub: object) -> Arrival:
    request_id = str(uuid.uuid4())
    metadata = (*way.metadata, ("x-request-id", request_id))
    began, began_at = time.monotonic(), time.time()
    answer, call = stub.Echo.with_call(  # type: ignore[attr-defined]  # generated, untyped
        pb.EchoRequest(), timeout=TIMEOUT_S, metadata=metadata
    )
    round_trip_s = time.monotonic() - began
    server_s = answer.server_time.seconds + answer.server_time.nanos / 1e9
    trailers = (*(call.initial_metadata() or ()), *(call.trailing_metadata() or ()))
    return Arrival(
        answer=answer,
        sent_request_id=request_id,
        round_trip_s=round_trip_s,
        clock_ahead_s=server_s - (began_at + round_trip_s / 2),
        said={key: str(value) for key, value in trailers},
    )


def judged(way: Way, arrival: Arrival) -> list[Finding]:
    """Return what arrived, a line a thing."""
    return [
        _answers(arrival),
        _encryption(way),
        Finding(check="who you are", level=Level.OK, seen=arrival.answer.principal or "not said"),
        _clock(arrival),
        _deadline(arrival),
        _request_id(arrival),
    ]


def unreached(failure: RpcFailed) -> Finding:
    """Return the line of a call that did not come through."""
    return Finding(check="gRPC", level=Level.WRONG, seen=str(failure), certainty=Certainty.SURE)


def route_timeout_s(arrival: Arrival) -> float | None:
    """Return what Envoy says its route's timeout is, for unary calls; None where it has none."""
    said = arrival.headers.get(ROUTE_TIMEOUT_HEADER, "")
    asked_s = TIMEOUT_S
    timeout_s = int(said) / 1000 if said.isdigit() else None
    # Where the route has none of its own Envoy may repeat ours.
    return timeout_s if timeout_s is not None and timeout_s < asked_s - 1 else None


def _answers(arrival: Arrival) -> Finding:
    return Finding(
        check="gRPC",
        level=Level.OK,
        seen=f"answers in {arrival.round_trip_s * 1000:.1f} ms",
        certainty=Certainty.SURE,
        value=round(arrival.round_trip_s * 1000, 1),
        unit="ms",
    )


def _encryption(way: Way) -> Finding:
    check = "encryption"
    if way.credentials is not None and way.credentials.is_encrypted:
        own = " both ways" if way.credentials.cert else ""
        return Finding(check=check, level=Level.OK, seen=f"TLS{own} to {way.address}")
    if is_loopback(way.address):
        return Finding(check=check, level=Level.OK, seen="plain text, on this machine")
    seen = "plain text: whoever is on the way reads and changes it, unless a mesh encrypts"
    return Finding(check=check, level=Level.NOTE, seen=seen)


def _clock(arrival: Arrival) -> Finding:
    ahead_s = arrival.clock_ahead_s
    off_s = arrival.round_trip_s / 2
    is_even = abs(ahead_s) <= CLOCK_TOLERANCE_S + off_s
    side = "ahead" if ahead_s > 0 else "behind"
    consequence = (
        "; tokens are refused" if abs(ahead_s) > TOKEN_TOLERANCE_S else "; times look wrong"
    )
    seen = f"the service's is {abs(ahead_s):.1f} s {side}{consequence}: set both by NTP"
    return Finding(
        check="clock",
        level=Level.OK if is_even else Level.NOTE,
        seen="agrees with this machine's" if is_even else seen,
        certainty=Certainty.SURE,
        value=round(ahead_s, 3),
        unit="s",
    )


def _deadline(arrival: Arrival) -> Finding:
    check = "deadlines"
    if not arrival.answer.HasField("time_remaining"):
        return Finding(
            check=check,
            level=Level.NOTE,
            seen="lost on the way: the service works on for callers who left",
            certainty=Certainty.SURE,
            fault=Fault.DEADLINE_LOST,
        )
    left = arrival.answer.time_remaining
    left_s = left.seconds + left.nanos / 1e9
    if left_s >= TIMEOUT_S - arrival.round_trip_s - 1:
        return Finding(check=check, level=Level.OK, seen="arrive", certainty=Certainty.SURE)
    return Finding(
        check=check,
        level=Level.WRONG,
        seen=f"shortened on the way: of {TIMEOUT_S:g} s arrive {left_s:.1f}",
        certainty=Certainty.SURE,
        fault=Fault.DEADLINE_CUT,
        value=round(left_s, 1),
        unit="s",
    )


def _request_id(arrival: Arrival) -> Finding:
    check = "request ids"
    came = arrival.said.get("x-request-id", "")
    if came == arrival.sent_request_id:
        return Finding(check=check, level=Level.OK, seen="arrive, and come back")
    seen = "replaced on the way: look in the service's log for the one that comes back"
    return Finding(check=check, level=Level.NOTE, seen=seen)
