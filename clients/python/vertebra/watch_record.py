"""What a watch of a job was told, opening by opening: recorded, kept as JSON lines, read again.

A record is for `watch_checker`, which says whether the trainer kept its promises.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from google.protobuf import json_format

from vertebra.client_errors import RpcFailed
from vertebra.model.v1 import stream_pb2
from vertebra.trainer.v1 import train_event_pb2 as events
from vertebra.trainer.v1 import train_job_service_pb2 as wire


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One message, and when it came, in seconds of the reader's clock."""

    at_s: float
    message: wire.WatchTrainJobResponse


@dataclass(slots=True, kw_only=True)
class WatchOpening:
    """One opening of a watch."""

    after_seq: int
    log_id: str = ""
    opened_s: float = 0.0
    messages: list[Told] = field(default_factory=list)
    status: str = ""
    """The gRPC status that it ended with, such as `OK`; empty where nobody noted it."""
    reason: str = ""
    """Of a refusal, such as `CURSOR_COMPACTED`."""
    oldest_seq: int = 0
    """With CURSOR_COMPACTED: the oldest event that is kept."""

    def tell(self, message: wire.WatchTrainJobResponse, at_s: float) -> None:
        """Note a message."""
        self.messages.append(Told(at_s=at_s, message=message))

    def refuse(self, failure: RpcFailed) -> None:
        """Note how it ended."""
        self.status, self.reason = failure.code.name, failure.reason
        self.oldest_seq = int(failure.metadata.get("oldest_seq", "0") or 0)


WatchRecord = list[WatchOpening]
"""Of one watch of one job, in order."""


class EventsCursor(Protocol):
    """What is recorded: `EventCursor`, or a reader that believes everything."""

    def request(self) -> wire.WatchTrainJobRequest:
        """Return the request for what has not come yet."""

    def take(self, message: wire.WatchTrainJobResponse) -> Iterable[events.TrainEvent]:
        """Return what a message brings."""

    def finish(self, end: stream_pb2.StreamEnd) -> None:
        """Check a complete stream."""


class RecordedCursor:
    """A cursor that notes every opening and every message before it looks at them."""

    def __init__(
        self,
        cursor: EventsCursor,
        openings: list[WatchOpening],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._cursor = cursor
        self._openings = openings
        self._clock = clock

    def request(self) -> wire.WatchTrainJobRequest:
        """Note an opening."""
        request = self._cursor.request()
        self._openings.append(
            WatchOpening(after_seq=request.after_seq, log_id=request.log_id, opened_s=self._clock())
        )
        return request

    def take(self, message: wire.WatchTrainJobResponse) -> Iterable[events.TrainEvent]:
        """Note a message."""
        self._openings[-1].tell(message, self._clock())
        return self._cursor.take(message)

    def finish(self, end: stream_pb2.StreamEnd) -> None:
        """Pass on."""
        self._cursor.finish(end)


def write_record(path: Path, openings: Iterable[WatchOpening]) -> None:
    """Write a line for every opening, followed by one for each of its messages."""
    with path.open("w") as file:
        for line in _lines(openings):
            file.write(f"{json.dumps(line, separators=(',', ':'))}\n")


def read_record(path: Path) -> list[WatchOpening]:
    """Return what `write_record` wrote.

    Raises:
        ValueError: a line is not one of a record; says which.
    """
    openings: list[WatchOpening] = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        try:
            _take(openings, json.loads(line))
        except (ValueError, TypeError, KeyError, IndexError) as error:
            why = f"{path}, line {number} is not of a recorded watch: {error}"
            raise ValueError(why) from error
    return openings


def _lines(openings: Iterable[WatchOpening]) -> Iterator[dict[str, Any]]:
    names = ("after_seq", "log_id", "opened_s", "status", "reason", "oldest_seq")
    for opening in openings:
        yield {"opening": {name: getattr(opening, name) for name in names}}
        for told in opening.messages:
            message = json_format.MessageToDict(told.message, preserving_proto_field_name=True)
            yield {"at_s": told.at_s, "message": message}


def _take(openings: list[WatchOpening], line: dict[str, Any]) -> None:
    if "opening" in line:
        openings.append(WatchOpening(**line["opening"]))
        return
    message = json_format.ParseDict(line["message"], wire.WatchTrainJobResponse())
    openings[-1].tell(message, line["at_s"])
