"""Events in TensorBoard's own format, written in this thread.

tensorboardX's usual writer has a thread and a queue of its own: on a full disk the thread dies and
the queue, once full, holds up the training for ever. Here the error comes back to the caller.
"""

import math
import time
from collections.abc import Mapping
from pathlib import Path

from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.summary_pb2 import Summary
from tensorboardX.record_writer import RecordWriter

FILE_VERSION = "brain.Event:2"
"""Source: tensorboard.compat.proto.event: what TensorBoard expects first in a file."""


class TensorboardFile:
    """One file of scalars; TensorBoard reads it while it grows."""

    def __init__(self, path: Path) -> None:
        self._records = RecordWriter(str(path))
        self._write(Event(wall_time=time.time(), file_version=FILE_VERSION))

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Write scalars by tag, such as `loss/train`.

        Raises:
            OSError: the disk is full or gone.
        """
        scalars = [
            Summary.Value(tag=tag, simple_value=value)
            for tag, value in values.items()
            if not math.isnan(value)
        ]
        self._write(Event(wall_time=time.time(), step=step, summary=Summary(value=scalars)))

    def flush(self) -> None:
        """Return once everything is on the disk."""
        self._records.flush()

    def close(self) -> None:
        """Let go of the file."""
        self._records.close()

    def _write(self, event: Event) -> None:
        self._records.write(event.SerializeToString())
