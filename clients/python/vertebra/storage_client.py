"""Looks after the catalog's store: `CatalogClient.storage`."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from vertebra.catalog.v1 import storage_service_pb2 as wire
from vertebra.catalog.v1.storage_service_pb2_grpc import StorageServiceStub
from vertebra.client_errors import AnswerRefused
from vertebra.connection import Connection, resumed
from vertebra.model.v1 import stream_pb2
from vertebra.paging import items_of_pages

PRUNE_TIMEOUT_S = 600.0
"""Deleting many large files takes a disk a while."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedCache:
    """What a check of the store found."""

    corrupt: tuple[wire.CorruptEntry, ...]
    summary: wire.VerifySummary


class StorageClient:
    """Lists, checks, prunes and pins what the store holds."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = StorageServiceStub(connection.channel)  # type: ignore[no-untyped-call]

    def list_entries(
        self,
        filter: str = "",  # noqa: A002 - the contract's word
        order_by: str = "",
    ) -> Iterator[wire.CacheEntry]:
        """Yield all matching blobs, the most recently used first unless `order_by` says otherwise.

        Raises:
            RpcFailed: FILTER_INVALID, ORDER_INVALID.
        """
        request = wire.ListEntriesRequest(filter=filter, order_by=order_by)
        return items_of_pages(self._connection, self._stub.ListEntries, request, "entries")

    def state(self) -> wire.ListEntriesResponse:
        """Return how the store stands: total size, budget, free bytes, quarantine; one entry."""
        answer: wire.ListEntriesResponse = self._connection.call(
            self._stub.ListEntries, wire.ListEntriesRequest(page_size=1)
        )
        return answer

    def verify(
        self,
        names: Sequence[str] = (),
        *,
        on_progress: Callable[[wire.VerifyProgress | wire.CorruptEntry], None] | None = None,
    ) -> VerifiedCache:
        """Return what is wrong in the store, every byte of which is read again.

        Args:
            names: `blobs/sha256:...`, references or `checkpoints/...`; none: everything.
            on_progress: called with how far it is, and with every bad blob at once.

        Raises:
            RpcFailed: FIELD_INVALID, BLOB_NOT_FOUND, SERVER_BUSY.
        """
        cursor = VerifyCursor(wire.VerifyCacheRequest(names=names))
        for event in resumed(self._connection, self._stub.VerifyCache, cursor):
            if on_progress is not None:
                on_progress(event)
        assert cursor.summary is not None
        return VerifiedCache(corrupt=tuple(cursor.corrupt.values()), summary=cursor.summary)

    def prune(
        self,
        *,
        target_bytes: int | None = None,
        kinds: Sequence[wire.EntryKind] = (),
        quarantine: bool = False,
        dry_run: bool = False,
    ) -> wire.PruneCacheResponse:
        """Return what was removed, least recently used first.

        Args:
            target_bytes: what the store may hold afterwards; None: what its settings say; 0: only
                what must stay.
            kinds: only these; none: all.
            quarantine: also delete what is in quarantine.
            dry_run: remove nothing, only say it.

        Raises:
            RpcFailed: FIELD_INVALID, CACHE_READ_ONLY.
        """
        request = wire.PruneCacheRequest(
            target_bytes=target_bytes, kinds=kinds, quarantine=quarantine, dry_run=dry_run
        )
        answer: wire.PruneCacheResponse = self._connection.call(
            self._stub.PruneCache, request, timeout_s=PRUNE_TIMEOUT_S
        )
        return answer

    def pin(self, names: Sequence[str], *, owner: str) -> list[wire.CacheEntry]:
        """Return blobs that are not evicted from now on, for `owner`'s sake.

        Raises:
            RpcFailed: FIELD_INVALID, BLOB_NOT_FOUND, WEIGHTS_NOT_FOUND, CHECKPOINT_NOT_FOUND,
                CACHE_READ_ONLY; nothing was pinned.
        """
        return self._pin(wire.PinBlobsRequest(names=names, owner=owner))

    def unpin(self, names: Sequence[str], *, owner: str) -> list[wire.CacheEntry]:
        """Take `owner`'s pins away; others' stay. Raises RpcFailed as `pin`."""
        return self._pin(wire.PinBlobsRequest(names=names, owner=owner, unpin=True))

    def _pin(self, request: wire.PinBlobsRequest) -> list[wire.CacheEntry]:
        return list(self._connection.call(self._stub.PinBlobs, request).entries)


class VerifyCursor:
    """A check under way. One that was cut begins anew: what it found before is kept."""

    def __init__(self, request: wire.VerifyCacheRequest) -> None:
        self._request = request
        self.corrupt: dict[str, wire.CorruptEntry] = {}
        self.summary: wire.VerifySummary | None = None

    def request(self) -> wire.VerifyCacheRequest:
        """Return the same request every time."""
        return self._request

    def take(
        self, message: wire.VerifyCacheResponse
    ) -> Iterable[wire.VerifyProgress | wire.CorruptEntry]:
        """Keep what was found; return it, and progress."""
        if message.HasField("summary"):
            self.summary = message.summary
        if message.HasField("corrupt"):
            self.corrupt[message.corrupt.entry.blob.digest] = message.corrupt
            return (message.corrupt,)
        return (message.progress,) if message.HasField("progress") else ()

    def finish(self, end: stream_pb2.StreamEnd) -> None:
        """Check that a summary came."""
        if self.summary is None:
            raise AnswerRefused("the check was called complete, but no summary came")
