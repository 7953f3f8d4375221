"""How much is served at once. Above a limit a call is refused at once, with a time to come back:
a queue would only make every caller wait longer."""

from dataclasses import dataclass
from enum import Enum

BYTE_STREAMS = frozenset(
    f"/vertebra.blob.v1.BlobService/{method}" for method in ("ReadBlob", "ReadTensors", "WriteBlob")
)
"""Streams that move bulk bytes: few are useful at once, each costs a thread and megabytes."""

EXEMPT_PREFIXES = ("/grpc.health.v1.", "/grpc.reflection.")
"""Never refused: a busy server is not a dead one, and must still be able to say so."""


class Pool(Enum):
    """Calls that are counted together."""

    EXEMPT = "exempt"
    UNARY = "unary"
    STREAM = "stream"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Most calls at once, separately for short calls, long streams and byte streams."""

    max_unary_calls: int = 512
    max_streams: int = 1024
    max_byte_streams: int = 64
    retry_after_s: float = 1.0
    max_write_s: float = 60.0
    """A reader that takes no message for this long is given up."""

    def of(self, pool: Pool) -> int | None:
        """Return the most calls at once in a pool; None where there is no limit."""
        limits = {
            Pool.UNARY: self.max_unary_calls,
            Pool.STREAM: self.max_streams,
            Pool.BYTES: self.max_byte_streams,
        }
        return limits.get(pool)


def pool_of(method: str, *, is_stream: bool) -> Pool:
    """Return where a call is counted.

    Args:
        method: `/package.Service/Method`.
        is_stream: either side of it streams.
    """
    if method.startswith(EXEMPT_PREFIXES):
        return Pool.EXEMPT
    if method in BYTE_STREAMS:
        return Pool.BYTES
    return Pool.STREAM if is_stream else Pool.UNARY
