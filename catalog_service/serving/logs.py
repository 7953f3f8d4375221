"""One line an event on standard error, as JSON or text, each with the request id it belongs to."""

import logging
import sys
from contextvars import ContextVar

from pythonjsonlogger.json import JsonFormatter

request_id: ContextVar[str] = ContextVar("request_id", default="-")
"""The id of the call that is being served; `-` outside of one."""

trace_id: ContextVar[str] = ContextVar("trace_id", default="-")
"""The trace that what is done now belongs to; `-` outside of one."""

_TEXT = "%(asctime)s %(levelname)-7s %(name)s [%(request_id)s] %(message)s"
_FIELDS = "%(asctime)s %(levelname)s %(name)s %(request_id)s %(trace_id)s %(message)s"
_NAMES = {"asctime": "time", "levelname": "level", "name": "logger"}


class _RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        record.trace_id = trace_id.get()
        return True


def configure_logging(level: str, json: bool) -> None:
    """Send all log lines to standard error; replaces the handlers that were there.

    Args:
        level: `DEBUG`, `INFO`, `WARNING` or `ERROR`, in any case.
        json: one JSON object a line; otherwise text for people.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_RequestIdFilter())
    handler.setFormatter(
        JsonFormatter(_FIELDS, rename_fields=_NAMES) if json else logging.Formatter(_TEXT)
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
