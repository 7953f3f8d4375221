"""StorageService: lists, checks, prunes and pins what the store holds, and carries it away."""

import asyncio
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing

from catalog_service.api.bounded_threads import BoundedThreads
from catalog_service.api.bundle_calls import BundleCalls
from catalog_service.api.storage_wire import (
    ENTRIES,
    check_names,
    check_pin,
    end_message,
    entry_message,
    event_message,
    heartbeat_message,
    prune_order,
    pruned_message,
)
from catalog_service.errors import Exhausted
from catalog_service.resolve.storage import Event, Storage, VerifyProgress
from catalog_service.serving.call import Context
from catalog_service.serving.disk_threads import DiskThreads
from catalog_service.serving.drain import Drain
from catalog_service.serving.ending import Ending, ending
from catalog_service.serving.server import Registration
from vertebra.catalog.v1 import storage_service_pb2 as pb
from vertebra.catalog.v1 import storage_service_pb2_grpc as stubs
from vertebra.model.v1.stream_pb2 import StreamEnd

FULL_NAME = "vertebra.catalog.v1.StorageService"

HEARTBEAT_S = 15.0
"""The longest silence on a stream: no proxy takes it for dead."""

RETRY_AFTER_S = 5.0
"""When another check may be asked for: a client whose stream broke tries again by itself."""

PACE_S = 0.2
"""Progress is told at most five times a second."""

CARE_THREADS, MAX_CARES = 4, 32
"""Looking at the whole store takes a moment; pruning waits for the disk."""


class StorageServicer:
    """The servicer; register it with `storage_registration`.

    Args:
        bundles: answers the rpcs about bundles.
        drain: a check ends with DRAINING when it begins; it has to be asked for again.
        heartbeat_s: longest silence; tests make it short.
    """

    def __init__(
        self,
        storage: Storage,
        bundles: BundleCalls,
        drain: Drain,
        *,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self._storage = storage
        self._bundles = bundles
        self._drain = drain
        self._heartbeat_s = heartbeat_s
        self._cares = BoundedThreads(
            "looks at the store", num_threads=CARE_THREADS, max_calls=MAX_CARES
        )
        self._reading = DiskThreads(1)
        self._is_checking = False

    async def ListEntries(  # noqa: N802  # the contract's spelling
        self, request: pb.ListEntriesRequest, context: Context
    ) -> pb.ListEntriesResponse:
        """Return a page of what the store keeps, and how it stands."""
        return await self._cares.run(lambda: self._page(request))

    async def VerifyCache(  # noqa: N802
        self, request: pb.VerifyCacheRequest, context: Context
    ) -> AsyncGenerator[pb.VerifyCacheResponse, None]:
        """Yield what is wrong and how far it is, the summary, and the end."""
        check_names(request.names)
        if self._is_checking:
            raise Exhausted(
                "another verification is under way; come back later", retry_after_s=RETRY_AFTER_S
            )
        self._is_checking = True
        try:
            chosen = await self._cares.run(lambda: self._storage.chosen(request.names))
            async with aclosing(self._checked(self._storage.check(chosen))) as messages:
                async for message in messages:
                    yield message
        finally:
            self._is_checking = False

    async def PruneCache(  # noqa: N802
        self, request: pb.PruneCacheRequest, context: Context
    ) -> pb.PruneCacheResponse:
        """Return what was removed, or would be."""
        order = prune_order(request)
        return pruned_message(await self._cares.run(lambda: self._storage.prune(order)))

    async def PinBlobs(  # noqa: N802
        self, request: pb.PinBlobsRequest, context: Context
    ) -> pb.PinBlobsResponse:
        """Return the entries as they are pinned now."""
        check_pin(request)
        entries = await self._cares.run(
            lambda: self._storage.pin(request.names, request.owner, unpin=request.unpin)
        )
        return pb.PinBlobsResponse(entries=map(entry_message, entries))

    async def PlanBundle(  # noqa: N802
        self, request: pb.PlanBundleRequest, context: Context
    ) -> pb.PlanBundleResponse:
        """Return what a bundle would hold."""
        return await self._bundles.plan(request)

    async def ExportBundle(  # noqa: N802
        self, request: pb.ExportBundleRequest, context: Context
    ) -> AsyncGenerator[pb.ExportBundleResponse, None]:
        """Yield entries as they are ready, progress, the manifest, and the end."""
        async with aclosing(self._bundles.export(request)) as messages:
            async for message in messages:
                yield message

    async def ImportBundle(  # noqa: N802
        self, request: pb.ImportBundleRequest, context: Context
    ) -> pb.ImportBundleResponse:
        """Return what became of each entry."""
        return await self._bundles.import_bundle(request)

    def close(self) -> None:
        """Take no more calls."""
        self._cares.close()
        self._bundles.close()

    async def _checked(
        self, events: Generator[Event, None, None]
    ) -> AsyncGenerator[pb.VerifyCacheResponse, None]:
        """Yield a check's events, heartbeats on silence, and the end."""
        try:
            async with (
                ending(self._drain.draining) as ends,
                aclosing(self._until(ends, events)) as messages,
            ):
                async for message in messages:
                    yield message
        finally:
            await self._reading.run(events.close)

    async def _until(
        self, ends: Ending, events: Generator[Event, None, None]
    ) -> AsyncGenerator[pb.VerifyCacheResponse, None]:
        told_at = 0.0
        while not ends.is_near:
            step = asyncio.ensure_future(self._reading.run(next, events, None))
            async with aclosing(self._silence(step)) as heartbeats:
                async for heartbeat in heartbeats:
                    yield heartbeat
            event = step.result()
            if event is None:
                yield end_message(StreamEnd.REASON_COMPLETED)
                return
            if not isinstance(event, VerifyProgress) or time.monotonic() - told_at >= PACE_S:
                told_at = time.monotonic()
                yield event_message(event)
        yield end_message(ends.reason)

    async def _silence(
        self, step: "asyncio.Future[Event | None]"
    ) -> AsyncGenerator[pb.VerifyCacheResponse, None]:
        """Yield heartbeats until a step is over, also where the caller leaves before that."""
        try:
            while not (await asyncio.wait({step}, timeout=self._heartbeat_s))[0]:
                yield heartbeat_message()
        finally:
            await asyncio.wait({step})

    def _page(self, request: pb.ListEntriesRequest) -> pb.ListEntriesResponse:
        entries = self._storage.listed()
        page = ENTRIES.page(
            entries,
            filter=request.filter,
            order_by=request.order_by,
            page_size=request.page_size,
            page_token=request.page_token,
            resource="entries",
        )
        state = self._storage.state()
        matching = ENTRIES.matching(entries, request.filter)
        return pb.ListEntriesResponse(
            entries=map(entry_message, page.items),
            next_page_token=page.next_page_token,
            total_size=page.total_size,
            total_bytes=sum(entry.blob.size_bytes for entry in matching),
            budget_bytes=self._storage.budget_bytes,
            free_bytes=state.free_bytes,
            is_read_only=state.is_read_only,
            num_quarantined=state.num_quarantined,
            quarantined_bytes=state.quarantined_bytes,
        )


def storage_registration(servicer: StorageServicer) -> Registration:
    """Return how the servicer is added to a server."""
    return Registration(
        add=stubs.add_StorageServiceServicer_to_server, servicer=servicer, full_name=FULL_NAME
    )
