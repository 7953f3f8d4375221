"""Who repeats calls on the way: one call that always fails, and how often the service saw it."""

import uuid

import grpc

from vertebra.client_errors import RpcFailed, from_rpc_error
from vertebra.diagnostics.v1 import path_service_pb2 as pb
from vertebra.doctor.finding import Certainty, Fault, Finding, Level
from vertebra.doctor.way import Way

NUM_FAILURES = 10
NUM_PROBES = 3
TIMEOUT_S = 20.0

CHECK = "repeats"


def count_calls(way: Way) -> list[int | RpcFailed]:
    """Return for each probe how often one call of ours arrived."""
    with way.stub() as stub:
        return [_probe(way, stub) for _ in range(NUM_PROBES)]


def judged(counts: list[int | RpcFailed]) -> Finding:
    """Return who repeats what."""
    seen = [count for count in counts if isinstance(count, int)]
    if not seen:
        return Finding(check=CHECK, level=Level.UNKNOWN, seen=f"not seen: {counts[0]}")
    most = max(seen)
    certainty = Certainty.SURE if len(set(seen)) == 1 and len(seen) > 1 else Certainty.LIKELY
    if most == 1:
        text = "a call that fails with UNAVAILABLE arrives once"
        return Finding(check=CHECK, level=Level.OK, seen=text, certainty=certainty, value=1)
    return Finding(
        check=CHECK,
        level=Level.NOTE,
        seen=f"a call that fails with UNAVAILABLE arrives {most} times; callers without request "
        "ids make as many jobs",
        certainty=certainty,
        fault=Fault.REPEATS,
        value=most,
        unit="calls",
    )


def _probe(way: Way, stub: object) -> int | RpcFailed:
    request = pb.CountCallsRequest(probe_id=str(uuid.uuid4()), num_failures=NUM_FAILURES)
    try:
        answer = stub.CountCalls(  # type: ignore[attr-defined]  # generated, untyped
            request, timeout=TIMEOUT_S, metadata=way.metadata
        )
    except grpc.RpcError as error:
        failure = from_rpc_error(error, way.address)
        if failure.reason == "PROBE_FAILED" and failure.metadata.get("num_calls", "").isdigit():
            return int(failure.metadata["num_calls"])
        return failure
    return int(answer.num_calls)
