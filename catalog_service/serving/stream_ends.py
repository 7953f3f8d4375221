"""Who ended a stream: a word for the metrics and the log. Words are a closed list, so that a caller
cannot make up time series.
"""

from contextvars import ContextVar
from typing import Any

from google.protobuf.message import Message

from vertebra.model.v1.stream_pb2 import StreamEnd

RESUMED_HEADER = "x-vertebra-resumed-after"
"""A client that opens a stream again says what had ended it, in one of the words below."""

TYPED_ENDS = {
    number: name.removeprefix("REASON_").lower()
    for name, number in StreamEnd.Reason.items()
    if number
}
"""What the contract says of an end: `completed`, `rotate`, `draining`, ..."""

CUTS = ("cut", "unavailable", "deadline", "idle")
"""What a client sees of an end that nobody announced: a reset by somebody between, a lost
connection, a deadline of a proxy's, and silence for too long."""

_RESUMED_AFTER = frozenset({*TYPED_ENDS.values(), *CUTS})

_said_end: ContextVar[list[str] | None] = ContextVar("said_end", default=None)


def listen_for_end() -> list[str]:
    """Return a list that gets the word of `say_end`, if the stream says one from here on."""
    said: list[str] = []
    _said_end.set(said)
    return said


def say_end(reason: int) -> None:
    """Note the typed end of the stream that is being served, where its message is bytes already."""
    said = _said_end.get()
    if said is not None:
        said.append(TYPED_ENDS.get(reason, "other"))


def end_in(message: Any) -> str:
    """Return the word of a stream's last message, empty where it has no end in it."""
    if not isinstance(message, Message) or "end" not in message.DESCRIPTOR.fields_by_name:
        return ""
    end: Any = message
    return TYPED_ENDS.get(end.end.reason, "other") if message.HasField("end") else ""


def resumed_after(header: str | bytes | None) -> str:
    """Return what a client says had ended the stream that it opens again; empty where it does not
    open one again, `other` for a word that we do not know.
    """
    if not header:
        return ""
    return str(header) if header in _RESUMED_AFTER else "other"
