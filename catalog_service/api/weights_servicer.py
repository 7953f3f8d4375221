"""WeightsService: lists and describes from the index; says where bytes are, and brings them in."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import cache

from catalog_service.api.bounded_threads import BoundedThreads
from catalog_service.api.ensure_flights import EnsureFlights, Watch
from catalog_service.api.ensure_wire import (
    end_message,
    ensured_message,
    explanation_message,
    heartbeat_message,
    progress_message,
)
from catalog_service.api.weights_wire import WEIGHTS, Listed, weights_message
from catalog_service.index.entries import WeightEntry
from catalog_service.resolve import Catalog
from catalog_service.resolve.ensure import Ensured
from catalog_service.serving.call import Context
from catalog_service.serving.drain import Drain
from catalog_service.serving.ending import Ending, ending
from catalog_service.serving.server import Registration
from catalog_service.weights.references import published_reference
from vertebra.catalog.v1 import weights_service_pb2 as pb
from vertebra.catalog.v1 import weights_service_pb2_grpc as stubs
from vertebra.model.v1.stream_pb2 import StreamEnd

FULL_NAME = "vertebra.catalog.v1.WeightsService"


HEARTBEAT_S = 15.0
"""The longest silence on a stream: no proxy takes it for dead."""

EXPLANATION_THREADS, MAX_EXPLANATIONS = 8, 64
"""A probe waits for servers that may not answer; others do not stand behind it for long."""


class WeightsServicer:
    """The servicer; register it with `weights_registration`.

    Args:
        drain: streams of unfinished work end with DRAINING when it begins; a transfer that was cut
            goes on where it stopped.
        heartbeat_s: longest silence; tests make it short.
    """

    def __init__(self, catalog: Catalog, drain: Drain, *, heartbeat_s: float = HEARTBEAT_S) -> None:
        self._catalog = catalog
        self._index = catalog.index
        self._search = catalog.search
        self._drain = drain
        self._heartbeat_s = heartbeat_s
        self._flights = EnsureFlights[Ensured](catalog.ensure)
        self._explanations = BoundedThreads(
            "explanations", num_threads=EXPLANATION_THREADS, max_calls=MAX_EXPLANATIONS
        )

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

    async def ExplainWeights(  # noqa: N802
        self, request: pb.ExplainWeightsRequest, context: Context
    ) -> pb.ExplainWeightsResponse:
        """Return where the bytes would come from."""
        explanation = await self._explanations.run(
            lambda: self._catalog.explain(request.name, probe=request.probe)
        )
        return explanation_message(explanation)

    async def EnsureWeights(  # noqa: N802
        self, request: pb.EnsureWeightsRequest, context: Context
    ) -> AsyncGenerator[pb.EnsureWeightsResponse, None]:
        """Yield progress, the weights, and the end.

        A client that leaves does not stop the work: others may wait for it, and the next call finds
        its result.
        """
        reference = await asyncio.to_thread(self._catalog.canonical_reference, request.name)
        async with ending(self._drain.draining) as ends:
            with self._flights.joined(reference) as watch:
                async with aclosing(self._progress(watch, ends)) as told:
                    async for message in told:
                        yield message
                if not watch.is_over:
                    yield end_message(ends.reason)
                    return
            yield ensured_message(watch.result())
            yield end_message(StreamEnd.REASON_COMPLETED)

    def close(self) -> None:
        """Take no more calls; transfers under way end with their process."""
        self._flights.close()
        self._explanations.close()

    async def _progress(
        self, watch: Watch[Ensured], ends: Ending
    ) -> AsyncGenerator[pb.EnsureWeightsResponse, None]:
        """Yield reports, and heartbeats on silence, until the work ends or the server does."""
        reports = watch.reports(until=ends.over, silence_s=self._heartbeat_s)
        async with aclosing(reports):
            async for report in reports:
                yield heartbeat_message() if report is None else progress_message(report)

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
