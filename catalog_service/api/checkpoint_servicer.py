"""CheckpointService: registers, describes and lists backbones that users trained."""

import asyncio

from catalog_service.api.checkpoint_wire import CHECKPOINTS, checkpoint_message, registration_of
from catalog_service.checkpoints.registry import Registry
from catalog_service.resolve import Catalog
from catalog_service.serving.call import Context
from catalog_service.serving.server import Registration
from vertebra.catalog.v1 import checkpoint_service_pb2 as pb
from vertebra.catalog.v1 import checkpoint_service_pb2_grpc as stubs

FULL_NAME = "vertebra.catalog.v1.CheckpointService"


class CheckpointServicer:
    """The servicer; register it with `checkpoint_registration`."""

    def __init__(self, catalog: Catalog, registry: Registry) -> None:
        self._catalog = catalog
        self._registry = registry

    async def RegisterCheckpoint(  # noqa: N802  # the contract's spelling
        self, request: pb.RegisterCheckpointRequest, context: Context
    ) -> pb.RegisterCheckpointResponse:
        """Return the checkpoint as it is listed now."""
        registration = registration_of(request)
        checkpoint, replayed = await asyncio.to_thread(self._catalog.register, registration)
        return pb.RegisterCheckpointResponse(
            checkpoint=checkpoint_message(checkpoint), replayed=replayed
        )

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


def checkpoint_registration(servicer: CheckpointServicer) -> Registration:
    """Return how the servicer is added to a server."""
    return Registration(
        add=stubs.add_CheckpointServiceServicer_to_server,
        servicer=servicer,
        full_name=FULL_NAME,
    )
