"""The worker's end of a trace: what it does, written down with beginning and end. The service sends
it; a worker that is killed loses nothing that it had written.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from trainer_service.jobs import (
    EpochMetrics,
    JobEvent,
    PhaseStarted,
    SnapshotTaken,
    WorkOrder,
)
from trainer_service.jobs.trace import WorkSpan, format_span_line, new_span_id
from trainer_service.stop_switch import StopRequested

Answer = TypeVar("Answer")
Attributes = Mapping[str, str | int | float | bool]


class WorkSpans:
    """Writes spans of one attempt.

    Args:
        path: of the file; None writes nothing.
        parent_id: of the attempt's span.
    """

    def __init__(self, path: Path | None, parent_id: str = "") -> None:
        self._path = path
        self._open = [parent_id]

    @contextmanager
    def span(self, name: str, attributes: Attributes | None = None) -> Iterator[None]:
        """Measure what is done in a block."""
        if self._path is None:
            yield
            return
        begun = self._begun(name, time.time(), attributes or {})
        self._write(begun)
        self._open.append(begun.span_id)
        error = ""
        try:
            yield
        except StopRequested:
            raise
        except BaseException as failure:
            error = type(failure).__name__
            raise
        finally:
            self._open.pop()
            self._write(_ended(begun, time.time(), error))

    def timed(self, name: str, work: Callable[[], Answer]) -> Answer:
        """Return what `work` returns, measured."""
        with self.span(name):
            return work()

    def telling(self, emit: Callable[[JobEvent], None]) -> Callable[[JobEvent], None]:
        """Return what tells `emit`, and makes spans of what a training loop tells."""
        loop = LoopSpans(self)

        def tell(event: JobEvent) -> None:
            emit(event)
            loop.told(event)

        return tell if self._path is not None else emit

    def note(self, name: str, start_s: float, attributes: Attributes) -> None:
        """Write down what ends now."""
        if self._path is not None:
            self._write(_ended(self._begun(name, start_s, attributes), time.time(), ""))

    def _begun(self, name: str, start_s: float, attributes: Attributes) -> WorkSpan:
        return WorkSpan(
            span_id=new_span_id(),
            parent_id=self._open[-1],
            name=name,
            start_s=start_s,
            attributes=dict(attributes),
        )

    def _write(self, span: WorkSpan) -> None:
        """Append a line. Where that cannot be done nothing more is written: it is only a trace."""
        if self._path is None:
            return
        try:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            descriptor = os.open(self._path, flags, 0o644)
            try:
                os.write(descriptor, format_span_line(span))
            finally:
                os.close(descriptor)
        except OSError:
            self._path = None


def spans_of(order: WorkOrder, *, is_first: bool) -> WorkSpans:
    """Return where an attempt writes its spans: nowhere, where nobody wants to know, and for all
    processes of it but the first.
    """
    if not order.span_parent or not is_first:
        return WorkSpans(None)
    return WorkSpans(Path(order.spans_file), order.span_parent)


class LoopSpans:
    """Makes spans of what a training loop tells: epochs, validations, snapshots."""

    def __init__(self, spans: WorkSpans) -> None:
        self._spans = spans
        self._since = time.time()

    def told(self, event: JobEvent) -> None:
        """Take in one event, as it happens."""
        match event:
            case PhaseStarted():
                self._since = time.time()
                self._spans.note("begin phase", self._since, {"phase": event.phase})
            case EpochMetrics():
                numbers = {name: value for name, value in event.values.items() if value == value}
                where = {"epoch": event.epoch, "step": event.step}
                name = "train epoch" if event.split == "train" else "validate"
                self._spans.note(name, self._since, {**numbers, **where})
                self._since = time.time()
            case SnapshotTaken(snapshot=taken):
                self._spans.note(
                    "save snapshot",
                    time.time() - taken.save_s,
                    {"step": taken.step, "size_bytes": taken.size_bytes},
                )
                self._since = time.time()


def _ended(begun: WorkSpan, end_s: float, error: str) -> WorkSpan:
    return WorkSpan(
        span_id=begun.span_id,
        parent_id=begun.parent_id,
        name=begun.name,
        start_s=begun.start_s,
        end_s=end_s,
        error=error,
        attributes=begun.attributes,
    )
