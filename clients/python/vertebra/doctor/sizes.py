"""How large a message may be on the way, each direction: the largest first, then by halves."""

from collections.abc import Callable
from dataclasses import dataclass

import grpc

from vertebra.diagnostics.v1 import path_service_pb2 as pb
from vertebra.doctor.finding import Certainty, Fault, Finding, Level
from vertebra.doctor.way import Way

TIMEOUT_S = 30.0
MIB = 1 << 20
OVERHEAD_BYTES = 1024
"""Beside the padding: the other fields of a message."""

LARGEST_REQUEST_BYTES = 4 * MIB - OVERHEAD_BYTES
"""What a service of ours takes, and every gRPC library without being asked."""
LARGEST_ANSWER_BYTES = 6 * MIB
OUR_LARGEST_ANSWER = ("grpc.max_receive_message_length", 64 * MIB)

PRECISION = 0.05

Fits = Callable[[int], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Largest:
    """The largest message that went through."""

    bytes: int
    is_limited: bool
    said: str = ""
    """What was said to one too large."""


def largest_request(way: Way) -> Largest:
    """Return the largest request that arrived."""
    return _largest(way, LARGEST_REQUEST_BYTES, lambda size: pb.EchoRequest(padding=bytes(size)))


def largest_answer(way: Way) -> Largest:
    """Return the largest answer that came back."""
    return _largest(way, LARGEST_ANSWER_BYTES, lambda size: pb.EchoRequest(answer_bytes=size))


def judged(request: Largest, answer: Largest) -> list[Finding]:
    """Return what is lost in each direction."""
    return [
        _finding("requests", request, Fault.REQUEST_SIZE),
        _finding("answers", answer, Fault.ANSWER_SIZE),
    ]


def _finding(check: str, largest: Largest, fault: Fault) -> Finding:
    size = _mib(largest.bytes)
    if not largest.is_limited:
        return Finding(
            check=check,
            level=Level.OK,
            seen=f"{size} go through, the most that vertebra sends",
            certainty=Certainty.SURE,
            value=largest.bytes,
            unit="bytes",
        )
    return Finding(
        check=check,
        level=Level.WRONG,
        seen=f"nothing above about {size} goes through ({largest.said})",
        certainty=Certainty.SURE,
        fault=fault,
        value=largest.bytes,
        unit="bytes",
    )


def _largest(way: Way, top: int, made: Callable[[int], pb.EchoRequest]) -> Largest:
    """Return the largest size that goes through, `top` at most, within `PRECISION`."""
    said = ""
    with way.stub(OUR_LARGEST_ANSWER) as stub:

        def fits(size: int) -> bool:
            nonlocal said
            try:
                stub.Echo(made(size), timeout=TIMEOUT_S, metadata=way.metadata)
            except grpc.RpcError as error:
                said = error.details() or error.code().name
                return False
            return True

        if fits(top) or fits(top):
            return Largest(bytes=top, is_limited=False)
        return Largest(bytes=_bisected(fits, top), is_limited=True, said=said)


def _bisected(fits: Fits, top: int) -> int:
    """Return the largest size that fits; 0 where none does."""
    low, high = 0, top
    while high - low > max(OVERHEAD_BYTES, PRECISION * high):
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _mib(size: int) -> str:
    return f"{size / MIB:.1f} MiB" if size >= MIB else f"{size / 1024:.0f} KiB"
