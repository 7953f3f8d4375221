"""The way that is examined: channels of our own to one address, which repeat nothing and share
nothing, so that whatever is seen was done on the way."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import grpc

from vertebra.channel import open_channel
from vertebra.connection import SERVICE_HEADER
from vertebra.credentials import Credentials
from vertebra.diagnostics.v1.path_service_pb2_grpc import PathServiceStub

OPTIONS = (("grpc.use_local_subchannel_pool", 1),)
"""A connection that is shared with others shows their doings."""

Metadata = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """From here to a service at `address`.

    Args:
        service: `catalog` or `trainer`: which of two behind one address.
    """

    address: str
    service: str = "catalog"
    credentials: Credentials | None = None

    @property
    def metadata(self) -> Metadata:
        """What every call carries, so that a gateway in front of both knows whom to ask."""
        return ((SERVICE_HEADER, self.service),)

    @contextmanager
    def stub(self, *options: tuple[str, int]) -> Iterator[PathServiceStub]:
        """Yield the service on a new connection, with more channel options."""
        with self.channel(*options) as channel:
            yield PathServiceStub(channel)  # type: ignore[no-untyped-call]

    @contextmanager
    def channel(self, *options: tuple[str, int]) -> Iterator[grpc.Channel]:
        """Yield a new connection. Raises CredentialsUnusable."""
        channel = open_channel(self.address, self.credentials, options=(*OPTIONS, *options))
        try:
            yield channel
        finally:
            channel.close()
