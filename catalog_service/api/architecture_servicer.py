"""ArchitectureService: answers from the index; only the cached state looks at local folders."""

import asyncio
from functools import cache

from catalog_service.api.architecture_wire import ARCHITECTURES, Listed, architecture_message
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.index.entries import ArchitectureEntry
from catalog_service.serving.call import Context
from catalog_service.serving.server import Registration
from catalog_service.weights.search import Search
from vertebra.catalog.v1 import architecture_service_pb2 as pb
from vertebra.catalog.v1 import architecture_service_pb2_grpc as stubs

FULL_NAME = "vertebra.catalog.v1.ArchitectureService"


class ArchitectureServicer:
    """The servicer; register it with `architecture_registration`."""

    def __init__(self, index: CatalogIndex, search: Search) -> None:
        self._index = index
        self._search = search

    async def ListArchitectures(  # noqa: N802  # the contract's spelling
        self, request: pb.ListArchitecturesRequest, context: Context
    ) -> pb.ListArchitecturesResponse:
        """Return a page of architectures."""
        return await asyncio.to_thread(self._page, request)

    async def GetArchitecture(  # noqa: N802
        self, request: pb.GetArchitectureRequest, context: Context
    ) -> pb.GetArchitectureResponse:
        """Return one architecture; NOT_FOUND has the nearest names."""
        found = self._listed(self._index.architecture(request.name))
        message = await asyncio.to_thread(architecture_message, found)
        return pb.GetArchitectureResponse(architecture=message)

    def _page(self, request: pb.ListArchitecturesRequest) -> pb.ListArchitecturesResponse:
        page = ARCHITECTURES.page(
            map(self._listed, self._index.architectures),
            filter=request.filter,
            order_by=request.order_by,
            page_size=request.page_size,
            page_token=request.page_token,
            resource="architectures",
        )
        return pb.ListArchitecturesResponse(
            architectures=map(architecture_message, page.items),
            next_page_token=page.next_page_token,
            total_size=page.total_size,
        )

    def _listed(self, entry: ArchitectureEntry) -> Listed:
        default = self._index.weight(entry.default_weights)
        return Listed(
            entry=entry,
            metric=default.metrics[0] if default.metrics else None,
            is_cached=cache(lambda: self._search.cached_state(default) != "absent"),
        )


def architecture_registration(servicer: ArchitectureServicer) -> Registration:
    """Return how the servicer is added to a server."""
    return Registration(
        add=stubs.add_ArchitectureServiceServicer_to_server,
        servicer=servicer,
        full_name=FULL_NAME,
    )
