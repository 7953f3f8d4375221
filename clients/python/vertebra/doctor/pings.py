"""Whether signs of life of a connection are taken: clients of ours send one every 30 s, and some
servers and proxies throw out whoever does so more often than every 5 minutes."""

from vertebra.diagnostics.v1 import path_service_pb2 as pb
from vertebra.doctor.finding import Certainty, Fault, Finding, Level
from vertebra.doctor.held_streams import Held, held, is_refusal
from vertebra.doctor.way import Way

CLOSEST_S = 10.5
"""Servers of ours refuse pings closer than 10 s."""
OUR_PINGS_S = 30.0
NUM_TAKEN_FOR_SURE = 4
"""gRPC's servers throw a client out at its third ping too many; the first never counts."""

CHECK = "pings"


def hold_with_pings(way: Way, hold_s: float, every_s: float) -> Held:
    """Hold a silent stream and ping every `every_s` seconds meanwhile."""
    request = pb.HoldStreamRequest()
    request.duration.FromMilliseconds(round(hold_s * 1000))
    options = (
        ("grpc.keepalive_time_ms", round(every_s * 1000)),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.http2.ping_timeout_ms", 20_000),
        ("grpc.http2.max_pings_without_data", 0),
    )
    with way.stub(*options) as stub:
        return held(way, stub.HoldStream(request, metadata=way.metadata), hold_s, is_silent=True)


def judged(stream: Held, every_s: float) -> Finding:
    """Return whether pings were taken."""
    if is_refusal(stream):
        return Finding(check=CHECK, level=Level.UNKNOWN, seen=f"not asked: {stream.failure}")
    num_pings = int(stream.lasted_s / every_s)
    said = stream.said.lower()
    if "too many pings" in said or "too_many_pings" in said or "enhance_your_calm" in said:
        return _refused(num_pings, every_s)
    seen = f"{num_pings} taken, one every {every_s:g} s"
    if num_pings >= NUM_TAKEN_FOR_SURE:
        return Finding(check=CHECK, level=Level.OK, seen=seen, certainty=Certainty.SURE)
    if num_pings == 0:
        return Finding(check=CHECK, level=Level.UNKNOWN, seen="no time for one; hold longer")
    why_not = "the stream was cut before" if stream.is_cut else "--thorough"
    return Finding(
        check=CHECK,
        level=Level.OK,
        seen=f"{seen}; some refuse only a {NUM_TAKEN_FOR_SURE}th: {why_not}",
        certainty=Certainty.LIKELY,
    )


def _refused(num_pings: int, every_s: float) -> Finding:
    is_ours = every_s >= OUR_PINGS_S
    seen = f"refused: the connection was closed after {num_pings}, one every {every_s:g} s"
    more = "" if is_ours else f"; clients send one every {OUR_PINGS_S:g} s"
    return Finding(
        check=CHECK,
        level=Level.WRONG,
        seen=seen + more,
        certainty=Certainty.SURE if is_ours else Certainty.LIKELY,
        fault=Fault.PINGS,
        value=every_s,
        unit="s",
    )
