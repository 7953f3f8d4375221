"""Entries of the store and events of a check -> messages; requests -> orders."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from catalog_service.errors import Violation, invalid
from catalog_service.resolve.storage import (
    Checked,
    CorruptBlob,
    Entry,
    Event,
    Kind,
    Pruned,
    PruneOrder,
    VerifyProgress,
)
from catalog_service.serving.blob_wire import blob_message
from catalog_service.serving.listing import Field, Listing
from vertebra.catalog.v1 import storage_service_pb2 as pb
from vertebra.model.v1.stream_pb2 import Heartbeat, StreamEnd

KINDS: Mapping[Kind, pb.EntryKind] = {
    "weights": pb.ENTRY_KIND_WEIGHTS,
    "checkpoint": pb.ENTRY_KIND_CHECKPOINT,
    "model": pb.ENTRY_KIND_MODEL,
    "upload": pb.ENTRY_KIND_UPLOAD,
}
_KIND_NAMES: Mapping[int, Kind] = {number: name for name, number in KINDS.items()}

MAX_USED_BY = 20
"""As CacheEntry documents."""

MAX_REMOVED = 1000
"""As PruneCacheResponse documents: a message has its limits."""

MAX_NAMES = 1000

_OWNER = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.:/-]{0,99}")


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


ENTRIES: Listing[Entry] = Listing(
    [
        Field(name="digest", get=lambda one: one.blob.digest),
        Field(name="kind", get=lambda one: one.kind),
        Field(name="used_by", get=lambda one: one.used_by, kind="texts"),
        Field(name="size_bytes", get=lambda one: one.blob.size_bytes, kind="number"),
        Field(name="create_time", get=lambda one: _time(one.create_time), kind="time"),
        Field(name="last_used_time", get=lambda one: _time(one.last_used_time), kind="time"),
        Field(name="is_pinned", get=lambda one: bool(one.pins), kind="boolean"),
        Field(name="is_leased", get=lambda one: one.is_leased, kind="boolean"),
    ],
    default_order="last_used_time desc",
)
"""As ListEntriesRequest documents."""


def entry_message(entry: Entry) -> pb.CacheEntry:
    """Return an entry as the contract has it."""
    return pb.CacheEntry(
        blob=blob_message(entry.blob),
        kind=KINDS[entry.kind],
        used_by=_cut(entry.used_by),
        create_time=_timestamp(entry.create_time),
        last_used_time=_timestamp(entry.last_used_time),
        last_verified_time=_timestamp(entry.last_verified_time),
        pins=_cut(entry.pins),
        is_leased=entry.is_leased,
        kept_because=entry.kept_because,
    )


def event_message(event: Event) -> pb.VerifyCacheResponse:
    """Return what a check reports."""
    match event:
        case VerifyProgress():
            progress = pb.VerifyProgress(
                num_done=event.num_done,
                num_total=event.num_total,
                bytes_done=event.bytes_done,
                bytes_total=event.bytes_total,
            )
            return pb.VerifyCacheResponse(progress=progress)
        case CorruptBlob():
            corrupt = pb.CorruptEntry(
                entry=entry_message(event.entry),
                found_digest=event.found_digest,
                quarantined=event.quarantined,
                text=event.text,
            )
            return pb.VerifyCacheResponse(corrupt=corrupt)
        case Checked():
            summary = pb.VerifySummary(
                num_verified=event.num_verified,
                bytes_verified=event.bytes_verified,
                num_corrupt=event.num_corrupt,
            )
            return pb.VerifyCacheResponse(summary=summary)


def heartbeat_message() -> pb.VerifyCacheResponse:
    """Return the sign of life of a silent stream."""
    now = Timestamp()
    now.GetCurrentTime()
    return pb.VerifyCacheResponse(heartbeat=Heartbeat(server_time=now))


def end_message(reason: StreamEnd.Reason) -> pb.VerifyCacheResponse:
    """Return the last message of a stream."""
    return pb.VerifyCacheResponse(end=StreamEnd(reason=reason))


def pruned_message(pruned: Pruned) -> pb.PruneCacheResponse:
    """Return what was removed."""
    return pb.PruneCacheResponse(
        removed=[entry_message(entry) for entry in pruned.removed[:MAX_REMOVED]],
        removed_bytes=sum(entry.blob.size_bytes for entry in pruned.removed),
        num_removed=len(pruned.removed),
        total_bytes=pruned.total_bytes,
        num_kept=len(pruned.kept),
        kept_bytes=sum(entry.blob.size_bytes for entry in pruned.kept),
        quarantine_bytes=pruned.quarantined_bytes,
    )


def prune_order(request: pb.PruneCacheRequest) -> PruneOrder:
    """Return what is to be removed.

    Raises:
        InvalidRequest: a negative target, a kind that this release does not know.
    """
    target = request.target_bytes if request.HasField("target_bytes") else None
    if target is not None and target < 0:
        why = f"cannot be negative, such as {target}"
        raise invalid([Violation(field="target_bytes", description=why)])
    return PruneOrder(
        target_bytes=target,
        dry_run=request.dry_run,
        quarantine=request.quarantine,
        kinds=tuple(_kind(number) for number in request.kinds),
    )


def check_pin(request: pb.PinBlobsRequest) -> None:
    """Check the form of a request to pin.

    Raises:
        InvalidRequest: with everything that is wrong with it.
    """
    violations = _check_names(request.names)
    if not request.names:
        why = "required: blobs/sha256:..., references of weights, checkpoints/..."
        violations.append(Violation(field="names", description=why))
    if not _OWNER.fullmatch(request.owner):
        why = f"{request.owner[:100]!r} does not match {_OWNER.pattern}"
        violations.append(Violation(field="owner", description=why))
    if violations:
        raise invalid(violations)


def check_names(names: Sequence[str]) -> None:
    """Check that there are not too many. Raises InvalidRequest."""
    violations = _check_names(names)
    if violations:
        raise invalid(violations)


def _check_names(names: Sequence[str]) -> list[Violation]:
    if len(names) <= MAX_NAMES:
        return []
    return [Violation(field="names", description=f"{len(names)} of them; the limit is {MAX_NAMES}")]


def _kind(number: int) -> Kind:
    if number not in _KIND_NAMES:
        raise invalid([Violation(field="kinds", description=f"{number} is not a known value")])
    return _KIND_NAMES[number]


def _cut(names: Sequence[str]) -> list[str]:
    hidden = len(names) - MAX_USED_BY
    return [*names[:MAX_USED_BY], *([f"and {hidden} more"] if hidden > 0 else [])]


def _timestamp(seconds: float | None) -> Timestamp | None:
    if seconds is None:
        return None
    stamp = Timestamp()
    stamp.FromNanoseconds(round(seconds * 1e9))
    return stamp
