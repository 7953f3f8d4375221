"""The store of the fake catalog: a few blobs, of which one is bad."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import timestamp_pb2

from tests.fakes.fake_server import refuse
from vertebra.blob.v1 import blob_service_pb2
from vertebra.catalog.v1 import storage_service_pb2 as wire
from vertebra.catalog.v1 import storage_service_pb2_grpc
from vertebra.model.v1 import stream_pb2

USED = timestamp_pb2.Timestamp(seconds=1_700_000_000)
PINNED = "pinned by cli/ann"


def blob(digit: str, size_bytes: int) -> blob_service_pb2.Blob:
    """Return a blob whose digest is one digit 64 times."""
    digest = f"sha256:{digit * 64}"
    return blob_service_pb2.Blob(name=f"blobs/{digest}", digest=digest, size_bytes=size_bytes)


def entries() -> list[wire.CacheEntry]:
    """Return one blob of each kind."""
    rows = (
        ("1", wire.ENTRY_KIND_WEIGHTS, "torchvision/ResNet18_Weights.IMAGENET1K_V1", PINNED),
        ("2", wire.ENTRY_KIND_MODEL, f"models/{'2' * 64}", "in use, or was moments ago"),
        ("3", wire.ENTRY_KIND_CHECKPOINT, "checkpoints/letters", "the only copy of it"),
        ("4", wire.ENTRY_KIND_UPLOAD, "", ""),
    )
    return [
        wire.CacheEntry(
            blob=blob(digit, 1000 * int(digit)),
            kind=kind,
            used_by=[name] if name else [],
            last_used_time=USED,
            pins=["cli/ann"] if why == PINNED else [],
            kept_because=why,
        )
        for digit, kind, name, why in rows
    ]


@dataclass(kw_only=True)
class FakeStorage(storage_service_pb2_grpc.StorageServiceServicer):
    """Keeps every request."""

    asked: list[Any] = field(default_factory=list)
    verify_breaks: list[str] = field(default_factory=list)
    """How the next checks end: `draining` after a bad blob, `empty` without a summary."""
    is_sound: bool = False
    is_read_only: bool = False

    def add_to(self, server: grpc.Server) -> None:
        """Register with a server."""
        storage_service_pb2_grpc.add_StorageServiceServicer_to_server(self, server)  # type: ignore[no-untyped-call]

    def ListEntries(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Two at a time."""
        self.asked.append(request)
        begin = int(request.page_token or 0)
        rows = entries()
        return wire.ListEntriesResponse(
            entries=rows[begin : begin + 2],
            next_page_token=str(begin + 2) if begin + 2 < len(rows) else "",
            total_size=len(rows),
            total_bytes=10_000,
            budget_bytes=50_000,
            free_bytes=7_000_000,
            is_read_only=self.is_read_only,
            num_quarantined=1,
            quarantined_bytes=500,
        )

    def VerifyCache(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        """Find the second blob bad, once."""
        self.asked.append(request)
        how = self.verify_breaks.pop(0) if self.verify_breaks else ""
        yield wire.VerifyCacheResponse(
            progress=wire.VerifyProgress(num_total=4, bytes_total=10_000)
        )
        is_first = sum(isinstance(one, wire.VerifyCacheRequest) for one in self.asked) == 1
        if is_first and not self.is_sound:
            yield wire.VerifyCacheResponse(corrupt=corrupt())
        if how == "draining":
            end = stream_pb2.StreamEnd(reason=stream_pb2.StreamEnd.REASON_DRAINING)
            yield wire.VerifyCacheResponse(end=end)
            return
        if how != "empty":
            summary = wire.VerifySummary(num_verified=3, bytes_verified=8000, num_corrupt=1)
            if self.is_sound:
                summary = wire.VerifySummary(num_verified=4, bytes_verified=10_000)
            yield wire.VerifyCacheResponse(summary=summary)
        end = stream_pb2.StreamEnd(reason=stream_pb2.StreamEnd.REASON_COMPLETED)
        yield wire.VerifyCacheResponse(end=end)

    def PruneCache(self, request: Any, context: Any) -> Any:  # noqa: N802
        """The upload goes."""
        self.asked.append(request)
        if self.is_read_only:
            code = grpc.StatusCode.FAILED_PRECONDITION
            refuse(context, code, "CACHE_READ_ONLY", "user 7 cannot remove a blob: /data/blobs")
        return wire.PruneCacheResponse(
            removed=entries()[3:],
            removed_bytes=4000,
            num_removed=1,
            total_bytes=6000,
            num_kept=3,
            kept_bytes=6000,
            quarantine_bytes=500 if request.quarantine else 0,
        )

    def PinBlobs(self, request: Any, context: Any) -> Any:  # noqa: N802
        """The first blob."""
        self.asked.append(request)
        entry = entries()[0]
        if request.unpin:
            del entry.pins[:]
        return wire.PinBlobsResponse(entries=[entry])


def corrupt() -> wire.CorruptEntry:
    """Return the bad blob."""
    return wire.CorruptEntry(
        entry=entries()[1],
        found_digest=f"sha256:{'f' * 64}",
        quarantined=True,
        text="models/2222: sha256:2222 has other bytes; it is in quarantine: BuildModel builds it",
    )
