"""Which trace a job belongs to, and the spans that a worker writes down.

A job's span is below the call that made it, in the same trace; its attempts are below the job, and
what a worker does below its attempt. The ids are known before the spans are: a span is sent when it
is over, perhaps by another process than the one that began it. So the next attempt, another host
and a service that was started again all go on with the same trace.

A worker writes its spans into `spans.jsonl` beside its spool, two lines each: one when it begins,
and one when it ends. It needs neither a network nor OpenTelemetry for that.
"""

import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

SPANS_FILE = "spans.jsonl"

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_JOB_TRACE = re.compile(r"([0-9a-f]{32}) ([0-9a-f]{16}) ([0-9a-f]{16})")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTrace:
    """A job's place in a trace, as hexadecimal digits."""

    trace_id: str
    span_id: str
    """Of the job itself."""
    parent_id: str
    """Of the call that made it."""

    def __str__(self) -> str:
        return f"{self.trace_id} {self.span_id} {self.parent_id}"

    def attempt_id(self, nonce: str) -> str:
        """Return the id of an attempt's span: the same whoever asks."""
        return hashlib.sha256(f"attempt {nonce}".encode()).hexdigest()[:16]

    def traceparent(self, span_id: str) -> str:
        """Return what tells another process to go on below a span of this trace."""
        return f"00-{self.trace_id}-{span_id}-01"


def trace_below(traceparent: str) -> str:
    """Return the place of a new job below a call, for the job store; empty where the call is not
    traced, or was not chosen to be.
    """
    found = _TRACEPARENT.fullmatch(traceparent)
    if found is None:
        return ""
    return str(JobTrace(trace_id=found[1], span_id=new_span_id(), parent_id=found[2]))


def job_trace(text: str) -> JobTrace | None:
    """Return a job's place as the store has it; None where it has none."""
    found = _JOB_TRACE.fullmatch(text)
    return JobTrace(trace_id=found[1], span_id=found[2], parent_id=found[3]) if found else None


def begun_again(text: str) -> str:
    """Return the place of a job that was over and is resumed: its span was sent, and another one
    follows in the same trace.
    """
    known = job_trace(text)
    return str(replace(known, span_id=new_span_id())) if known is not None else ""


def new_span_id() -> str:
    """Return a new id of a span."""
    return secrets.token_hex(8)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkSpan:
    """A piece of a worker's work. Times are Unix seconds of the worker's clock."""

    span_id: str
    parent_id: str
    name: str
    start_s: float
    end_s: float | None = None
    """None while it lasts."""
    error: str = ""
    attributes: Mapping[str, str | int | float | bool] = field(default_factory=dict)


def format_span_line(span: WorkSpan) -> bytes:
    """Return the line with its line feed."""
    document = {
        "span_id": span.span_id,
        "parent_id": span.parent_id,
        "name": span.name,
        "start_s": span.start_s,
        "end_s": span.end_s,
        "error": span.error,
        "attributes": dict(span.attributes),
    }
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def parse_span_line(text: bytes) -> WorkSpan | None:
    """Return the span of a line; None for a line that is none: a trace may have holes."""
    try:
        document = json.loads(text)
        int(document["span_id"], 16), int(document["parent_id"], 16)
        return WorkSpan(**document)
    except (ValueError, TypeError, KeyError):
        return None
