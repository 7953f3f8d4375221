"""What was found about one thing on the way: how good it is, how sure that is, what mends it."""

from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """How good it is."""

    OK = "ok"
    NOTE = "note"
    """Works; worth knowing or mending."""
    WRONG = "wrong"
    """Breaks what vertebra does."""
    UNKNOWN = "unknown"
    """Could not be found out."""


class Certainty(Enum):
    """How sure it is."""

    SURE = "sure"
    """Measured several times with one result, or said by the proxy itself."""
    LIKELY = "likely"
    """Measured once."""
    UNSURE = "unsure"
    """Measurements contradict one another, or what was measured is not quite what is asked."""


class Fault(Enum):
    """What is set wrong; `remedies` has what mends it."""

    ROUTE_TIMEOUT = "route timeout"
    MAX_DURATION = "maximum stream duration"
    STREAM_CUT = "some limit on how long a stream lasts"
    IDLE_TIMEOUT = "idle timeout"
    REPEATS = "repeated calls"
    REQUEST_SIZE = "request size"
    ANSWER_SIZE = "answer size"
    PINGS = "refused pings"
    NO_HTTP2 = "no HTTP/2 at the door"
    NO_HTTP2_UPSTREAM = "no HTTP/2 to the service"
    SERVICE_AWAY = "service away"
    DEADLINE_LOST = "deadline lost"
    DEADLINE_CUT = "deadline shortened"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of a report."""

    check: str
    """Such as `long streams`."""
    level: Level
    seen: str
    certainty: Certainty | None = None
    """None where nothing was measured, such as a name that was read."""
    fault: Fault | None = None
    value: float | None = None
    """The number in `seen`, in the unit that `unit` names."""
    unit: str = ""
