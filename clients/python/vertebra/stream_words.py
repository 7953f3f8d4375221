"""What a client calls the ways in which streams end: the service counts them by these words."""

import grpc

from vertebra.model.v1 import stream_pb2

RESUMED_HEADER = "x-vertebra-resumed-after"
"""Tells a service what had ended the stream that is opened again: it counts who cuts streams."""

CUTS = {
    grpc.StatusCode.UNAVAILABLE: "unavailable",
    grpc.StatusCode.DEADLINE_EXCEEDED: "deadline",
    grpc.StatusCode.CANCELLED: "idle",
}
"""Words for ends that nobody announced; a silent stream is cancelled by ourselves."""


def reason_word(end: stream_pb2.StreamEnd) -> str:
    """Return the reason of a typed end as the header has it: `rotate`, `draining`, ..."""
    known = stream_pb2.StreamEnd.Reason.DESCRIPTOR.values_by_number.get(end.reason)
    return known.name.removeprefix("REASON_").lower() if known is not None else "other"
