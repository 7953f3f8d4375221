"""Numbers, times and contract words as people read them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from google.protobuf.timestamp_pb2 import Timestamp

UNITS = ("B", "kB", "MB", "GB", "TB")


def count(number: int) -> str:
    """Return `25.6 M`, `5.1 k` or `512`."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= limit:
            return f"{number / limit:.1f} {unit}"
    return str(number)


def size(num_bytes: int) -> str:
    """Return `97.8 MB`; decimal units, as disks and downloads are sold."""
    value = float(num_bytes)
    for unit in UNITS[:-1]:
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} {UNITS[-1]}"


def percent(part: int, whole: int) -> str:
    """Return `45 %`, with a decimal where it would be 0 or 100 but is not."""
    if whole == 0:
        return "-"
    share = 100 * part / whole
    return f"{share:.0f} %" if share in (0, 100) or 1 <= share <= 99 else f"{share:.2f} %"


def duration(seconds: float) -> str:
    """Return `0:42` or `1:02:03`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def when(timestamp: Timestamp, to_the: Literal["minute", "second"] = "minute") -> str:
    """Return local time such as `2025-03-01 14:05`, or `2025-03-01 14:05:09`; empty for no time."""
    if not timestamp.seconds:
        return ""
    moment = datetime.fromtimestamp(timestamp.seconds, UTC).astimezone()
    return moment.strftime("%Y-%m-%d %H:%M" if to_the == "minute" else "%Y-%m-%d %H:%M:%S")


def word(enum_name: str, prefix: str) -> str:
    """Return `instance segmentation` for `TASK_INSTANCE_SEGMENTATION`."""
    return enum_name.removeprefix(prefix).lower().replace("_", " ")


def short_digest(digest: str) -> str:
    """Return the first 12 hex digits, enough for people to compare."""
    return digest.removeprefix("sha256:")[:12]


def metric(value: float) -> str:
    """Return four significant digits without scientific notation for everyday values."""
    return f"{value:.4f}" if 0.001 <= abs(value) < 1000 or value == 0 else f"{value:.3g}"


def listed(names: Sequence[str], limit: int = 5) -> str:
    """Return `a, b, c, d, e and 117 more`."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def plural(number: int, noun: str, many: str = "") -> str:
    """Return `1 job` or `3 jobs`; `many` where an s does not do."""
    return f"{number} {noun}" if number == 1 else f"{number} {many or f'{noun}s'}"
