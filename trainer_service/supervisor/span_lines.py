"""Reads the spans that a worker wrote down, each once, also when the service is started again."""

from contextlib import suppress
from pathlib import Path

from trainer_service.jobs.trace import SPANS_FILE, WorkSpan, parse_span_line

SENT_FILE = "spans.sent"
"""How many bytes of the spans were sent."""

MAX_BYTES = 1 << 20


class SpanLines:
    """The spans of one attempt.

    Args:
        folder: of the attempt.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / SPANS_FILE
        self._sent_path = folder / SENT_FILE
        self._open: dict[str, WorkSpan] = {}
        self._offset: int | None = None

    @property
    def open(self) -> list[WorkSpan]:
        """Return what has begun and not ended, as far as it was read."""
        return list(self._open.values())

    def read(self) -> list[WorkSpan]:
        """Return spans that ended since the last time; what the next call does not return again."""
        if self._offset is None:
            self._offset = 0
            sent = self._read_sent()
            while self._offset < sent and self._take(min(MAX_BYTES, sent - self._offset)):
                pass  # only for what is open still
        ended = self._take(MAX_BYTES)
        if ended:
            with suppress(OSError):
                self._sent_path.write_text(str(self._offset), encoding="ascii")
        return ended

    def _read_sent(self) -> int:
        try:
            return int(self._sent_path.read_text("ascii"))
        except (OSError, ValueError):
            return 0

    def _take(self, num_bytes: int) -> list[WorkSpan]:
        """Return what ended in the next lines that are whole."""
        assert self._offset is not None
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read(num_bytes)
        except OSError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        spans = [span for line in whole.splitlines() if (span := parse_span_line(line)) is not None]
        for span in spans:
            if span.end_s is None:
                self._open[span.span_id] = span
            else:
                self._open.pop(span.span_id, None)
        return [span for span in spans if span.end_s is not None]
