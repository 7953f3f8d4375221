"""The spool: how a worker's events reach the supervisor, one JSON line each.

    {"index": 0, "time": 1760000000.5, "kind": "step_metrics", "data": {...}}

`index` counts from 0 without gaps. A line without its line feed is not an event yet.
"""

import json
from dataclasses import dataclass

from catalog_service.models.plain_json import MalformedJson
from trainer_service.jobs.events import (
    JobEvent,
    LastWord,
    event_from_json,
    event_kind,
    event_to_json,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolLine:
    """One event of one attempt."""

    index: int
    time: float
    """Unix seconds on the worker's clock."""
    event: JobEvent | LastWord


def format_spool_line(line: SpoolLine) -> bytes:
    """Return the line with its line feed."""
    document = {
        "index": line.index,
        "time": line.time,
        "kind": event_kind(line.event),
        "data": event_to_json(line.event),
    }
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def parse_spool_line(text: bytes) -> SpoolLine:
    """Return the event of one whole line.

    Raises:
        MalformedJson: the line is not one that `format_spool_line` wrote.
    """
    try:
        document = json.loads(text)
        event = event_from_json(document["kind"], document["data"])
        return SpoolLine(index=int(document["index"]), time=float(document["time"]), event=event)
    except (json.JSONDecodeError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise MalformedJson(f"not a spool line: {text[:80]!r}") from error
