"""Times and durations: seconds -> message, and back."""

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

LONGEST_S = 100 * 365.25 * 24 * 3600
"""No job is said to take longer: a message cannot hold any number of seconds.

Source: google/protobuf/duration.proto, 10,000 years.
"""


def time_message(unix_s: float) -> Timestamp:
    """Return a time."""
    message = Timestamp()
    message.FromNanoseconds(round(unix_s * 1e6) * 1000)
    return message


def optional_time(unix_s: float) -> Timestamp | None:
    """Return a time, None for one that did not come yet."""
    return time_message(unix_s) if unix_s else None


def duration_message(seconds: float) -> Duration:
    """Return a measured or estimated duration, in whole milliseconds."""
    message = Duration()
    message.FromMilliseconds(round(min(seconds, LONGEST_S) * 1000))
    return message


def exact_duration(seconds: float) -> Duration:
    """Return a duration that `seconds_of` reads back as the same number."""
    message = Duration()
    message.FromNanoseconds(round(seconds * 1e9))
    return message


def seconds_of(duration: Duration) -> float:
    """Return a duration in seconds."""
    return duration.seconds + duration.nanos / 1e9
