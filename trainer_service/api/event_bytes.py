"""Events as bytes of the wire: serialised once, then joined to messages for any number of readers.

Source: https://protobuf.dev/programming-guides/encoding: a repeated field is its elements one after
another, each with tag and length, so joined messages are the message of all of their elements.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from google.protobuf.message import Message

from trainer_service.api.event_wire import event_message
from trainer_service.job_store import EventRecord
from vertebra.trainer.v1 import train_event_pb2
from vertebra.trainer.v1 import train_job_service_pb2 as pb

MAX_BATCH_BYTES = 1 << 20
"""Of a message of several events; clients take 4 MiB by default."""

_BYTES_TYPE = 2
_EVENTS_TAG = bytes([pb.WatchTrainJobResponse.EVENTS_FIELD_NUMBER << 3 | _BYTES_TYPE])


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialisedEvents:
    """Consecutive events of one job as they go over the wire."""

    data: bytes
    """A whole WatchTrainJobResponse."""
    last_seq: int


def element(job_id: str, record: EventRecord) -> bytes:
    """Return one event as an element of an EventBatch."""
    return pb.EventBatch(events=[event_message(job_id, record)]).SerializeToString()


def serialised(log_id: str, after_seq: int, elements: Sequence[bytes]) -> SerialisedEvents:
    """Return as many of the events after a position as one message holds."""
    num_events = num_fitting(elements, MAX_BATCH_BYTES)
    batch = b"".join(elements[:num_events])
    head = pb.WatchTrainJobResponse(log_id=log_id).SerializeToString()
    return SerialisedEvents(
        data=b"".join((head, _EVENTS_TAG, _varint(len(batch)), batch)),
        last_seq=after_seq + num_events,
    )


def messages_of(elements: Sequence[bytes]) -> Sequence[train_event_pb2.TrainEvent]:
    """Return elements as messages again."""
    return pb.EventBatch.FromString(b"".join(elements)).events


def num_fitting(elements: Sequence[bytes], most_bytes: int) -> int:
    """Return how many elements, from the first on, go into one message; one always does."""
    total = 0
    for number, data in enumerate(elements):
        total += len(data)
        if total > most_bytes:
            return max(1, number)
    return len(elements)


def encoded(answer: Message | bytes) -> bytes:
    """Return an answer as bytes; one that is bytes already stays as it is."""
    return answer if isinstance(answer, bytes) else answer.SerializeToString()


def _varint(number: int) -> bytes:
    """Return a number seven bits at a time, the lowest first."""
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)
