"""CheckpointService: registers, describes and lists backbones that users trained."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from catalog_service.api.bounded_threads import BoundedThreads
from catalog_service.api.checkpoint_wire import (
    CHECKPOINTS,
    checkpoint_message,
    deletion_of,
    registration_of,
)
from catalog_service.api.identify_wire import identified_message, named_file, num_candidates
from catalog_service.checkpoints.checkpoint import Checkpoint
from catalog_service.checkpoints.registry import Registry
from catalog_service.errors import Exhausted
from catalog_service.resolve import Catalog
from catalog_service.resolve import Registration as Wanted
from catalog_service.serving.call import Context
from catalog_service.serving.server import Registration
from vertebra.catalog.v1 import checkpoint_service_pb2 as pb
from vertebra.catalog.v1 import checkpoint_service_pb2_grpc as stubs

FULL_NAME = "vertebra.catalog.v1.CheckpointService"


MAX_REGISTRATIONS = 8
"""Registrations at once; each holds a thread for as long as its file takes to read."""

NUM_READERS = 2
MAX_IDENTIFICATIONS = 16
"""Files that are read for their names at once, each by a process of its own, and that wait."""


class CheckpointServicer:
    """The servicer; register it with `checkpoint_registration`."""

    def __init__(self, catalog: Catalog, registry: Registry) -> None:
        self._catalog = catalog
        self._registry = registry
        self._threads = ThreadPoolExecutor(MAX_REGISTRATIONS, thread_name_prefix="register")
        self._num_registrations = 0
        self._readers = BoundedThreads(
            "identifications", num_threads=NUM_READERS, max_calls=MAX_IDENTIFICATIONS
        )

    async def RegisterCheckpoint(  # noqa: N802  # the contract's spelling
        self, request: pb.RegisterCheckpointRequest, context: Context
    ) -> pb.RegisterCheckpointResponse:
        """Return the checkpoint as it is listed now."""
        checkpoint, replayed = await self._register(registration_of(request))
        return pb.RegisterCheckpointResponse(
            checkpoint=checkpoint_message(checkpoint), replayed=replayed
        )

    async def IdentifyCheckpoint(  # noqa: N802
        self, request: pb.IdentifyCheckpointRequest, context: Context
    ) -> pb.IdentifyCheckpointResponse:
        """Return what a file holds."""
        file, count = named_file(request), num_candidates(request)
        return identified_message(
            await self._readers.run(
                lambda: self._catalog.identify(file, max_candidates=count),
            )
        )

    async def DeleteCheckpoint(  # noqa: N802
        self, request: pb.DeleteCheckpointRequest, context: Context
    ) -> pb.DeleteCheckpointResponse:
        """Return the checkpoint as it was before it was taken off the list."""
        name, request_id, force = deletion_of(request)
        deleted = await asyncio.to_thread(
            self._catalog.delete_checkpoint, name, request_id, force=force
        )
        return pb.DeleteCheckpointResponse(checkpoint=checkpoint_message(deleted))

    async def GetCheckpoint(  # noqa: N802
        self, request: pb.GetCheckpointRequest, context: Context
    ) -> pb.GetCheckpointResponse:
        """Return one checkpoint; NOT_FOUND has the nearest names."""
        checkpoint = await asyncio.to_thread(self._registry.get, request.name)
        return pb.GetCheckpointResponse(checkpoint=checkpoint_message(checkpoint))

    async def ListCheckpoints(  # noqa: N802
        self, request: pb.ListCheckpointsRequest, context: Context
    ) -> pb.ListCheckpointsResponse:
        """Return a page of checkpoints."""
        page = CHECKPOINTS.page(
            await asyncio.to_thread(self._registry.all),
            filter=request.filter,
            order_by=request.order_by,
            page_size=request.page_size,
            page_token=request.page_token,
            resource="checkpoints",
        )
        return pb.ListCheckpointsResponse(
            checkpoints=[checkpoint_message(checkpoint) for checkpoint in page.items],
            next_page_token=page.next_page_token,
            total_size=page.total_size,
        )

    def close(self) -> None:
        """Take no more registrations; those under way end with their workers."""
        self._readers.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _register(self, wanted: Wanted) -> "asyncio.Future[tuple[Checkpoint, bool]]":
        """Start a registration in a thread of its own kind: a slow file holds up no look-up.

        A client that leaves does not stop it, so it is counted until it ends.
        """
        if self._num_registrations >= MAX_REGISTRATIONS:
            raise Exhausted(
                f"{self._num_registrations} registrations are under way; come back later",
                retry_after_s=5.0,
            )
        loop = asyncio.get_running_loop()
        self._num_registrations += 1
        running = loop.run_in_executor(self._threads, self._catalog.register, wanted)
        running.add_done_callback(self._finished)
        return asyncio.shield(running)

    def _finished(self, running: "asyncio.Future[tuple[Checkpoint, bool]]") -> None:
        self._num_registrations -= 1
        if not running.cancelled():
            running.exception()  # seen, also where the client has left


def checkpoint_registration(servicer: CheckpointServicer) -> Registration:
    """Return how the servicer is added to a server."""
    return Registration(
        add=stubs.add_CheckpointServiceServicer_to_server,
        servicer=servicer,
        full_name=FULL_NAME,
    )
