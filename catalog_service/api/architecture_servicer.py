"""ArchitectureService: answers from the index alone."""

from catalog_service.api.architecture_wire import ARCHITECTURES, architecture_message
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.serving.call import Context
from catalog_service.serving.server import Registration
from vertebra.catalog.v1 import architecture_service_pb2 as pb
from vertebra.catalog.v1 import architecture_service_pb2_grpc as stubs

FULL_NAME = "vertebra.catalog.v1.ArchitectureService"


class ArchitectureServicer:
    """The servicer; register it with `architecture_registration`."""

    def __init__(self, index: CatalogIndex) -> None:
        self._index = index

    async def ListArchitectures(  # noqa: N802  # the contract's spelling
        self, request: pb.ListArchitecturesRequest, context: Context
    ) -> pb.ListArchitecturesResponse:
        """Return a page of architectures."""
        page = ARCHITECTURES.page(
            self._index.architectures,
            filter=request.filter,
            order_by=request.order_by,
            page_size=request.page_size,
            page_token=request.page_token,
            resource="architectures",
        )
        return pb.ListArchitecturesResponse(
            architectures=[architecture_message(entry) for entry in page.items],
            next_page_token=page.next_page_token,
            total_size=page.total_size,
        )

    async def GetArchitecture(  # noqa: N802
        self, request: pb.GetArchitectureRequest, context: Context
    ) -> pb.GetArchitectureResponse:
        """Return one architecture; NOT_FOUND has the nearest names."""
        entry = self._index.architecture(request.name)
        return pb.GetArchitectureResponse(architecture=architecture_message(entry))


def architecture_registration(servicer: ArchitectureServicer) -> Registration:
    """Return how the servicer is added to a server."""
    return Registration(
        add=stubs.add_ArchitectureServiceServicer_to_server,
        servicer=servicer,
        full_name=FULL_NAME,
    )
