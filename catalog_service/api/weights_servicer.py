"""WeightsService: answers from the index; only the cached state looks at local folders."""

import asyncio
from functools import cache

from catalog_service.api.weights_wire import WEIGHTS, Listed, weights_message
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.index.entries import WeightEntry
from catalog_service.serving.call import Context
from catalog_service.serving.server import Registration
from catalog_service.weights.references import published_reference
from catalog_service.weights.search import Search
from vertebra.catalog.v1 import weights_service_pb2 as pb
from vertebra.catalog.v1 import weights_service_pb2_grpc as stubs

FULL_NAME = "vertebra.catalog.v1.WeightsService"


class WeightsServicer:
    """The servicer; register it with `weights_registration`."""

    def __init__(self, index: CatalogIndex, search: Search) -> None:
        self._index = index
        self._search = search

    async def ListWeights(  # noqa: N802  # the contract's spelling
        self, request: pb.ListWeightsRequest, context: Context
    ) -> pb.ListWeightsResponse:
        """Return a page of weights, without categories."""
        return await asyncio.to_thread(self._page, request)

    async def GetWeights(  # noqa: N802
        self, request: pb.GetWeightsRequest, context: Context
    ) -> pb.GetWeightsResponse:
        """Return one weight with its categories; NOT_FOUND has the nearest references."""
        entry = self._index.weight(published_reference(request.name, field="name"))
        message = await asyncio.to_thread(
            weights_message, self._listed(entry), with_categories=True
        )
        return pb.GetWeightsResponse(weights=message)

    def _page(self, request: pb.ListWeightsRequest) -> pb.ListWeightsResponse:
        page = WEIGHTS.page(
            map(self._listed, self._index.weights),
            filter=request.filter,
            order_by=request.order_by,
            page_size=request.page_size,
            page_token=request.page_token,
            resource="weights",
        )
        return pb.ListWeightsResponse(
            weights=map(weights_message, page.items),
            next_page_token=page.next_page_token,
            total_size=page.total_size,
        )

    def _listed(self, entry: WeightEntry) -> Listed:
        return Listed(entry=entry, cached_state=cache(lambda: self._search.cached_state(entry)))


def weights_registration(servicer: WeightsServicer) -> Registration:
    """Return how the servicer is added to a server."""
    return Registration(
        add=stubs.add_WeightsServiceServicer_to_server, servicer=servicer, full_name=FULL_NAME
    )
