"""The way that is examined: channels of our own to one address, which repeat nothing and share
nothing, so that whatever is seen was done on the way."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc

from vertebra.channel import open_channel
from vertebra.connection import SERVICE_HEADER
from vertebra.credentials import Credentials
from vertebra.diagnostics.v1.path_service_pb2_grpc import PathServiceStub

OPTIONS = (("grpc.use_local_subchannel_pool", 1),)
"""A connection that is shared with others shows their doings."""

Metadata = tuple[tuple[str, str], ...]


class GivenUp(Exception):
    """Nobody wants to know any more."""


class OpenChannels:
    """The connections of a way that are open now; threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.channels: set[grpc.Channel] = set()
        self.given_up = threading.Event()

    def add(self, channel: grpc.Channel) -> None:
        """Take one in. Raises GivenUp, after closing it."""
        with self._lock:
            if not self.given_up.is_set():
                self.channels.add(channel)
                return
        channel.close()
        raise GivenUp

    def remove(self, channel: grpc.Channel) -> None:
        """Close one."""
        with self._lock:
            self.channels.discard(channel)
        channel.close()

    def give_up(self) -> None:
        """Close all, and let none be opened: whoever waits for an answer waits no more."""
        with self._lock:
            self.given_up.set()
            channels = list(self.channels)
        for channel in channels:
            channel.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """From here to a service at `address`.

    Args:
        service: `catalog` or `trainer`: which of two behind one address.
    """

    address: str
    service: str = "catalog"
    credentials: Credentials | None = None
    _open: OpenChannels = field(default_factory=OpenChannels, repr=False, compare=False)

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
        """Yield a new connection. Raises CredentialsUnusable, GivenUp."""
        channel = open_channel(self.address, self.credentials, options=(*OPTIONS, *options))
        self._open.add(channel)
        try:
            yield channel
        finally:
            self._open.remove(channel)

    @property
    def num_open(self) -> int:
        """How many connections are open now."""
        return len(self._open.channels)

    def pause(self, seconds: float) -> None:
        """Wait, but not for what was given up."""
        self._open.given_up.wait(seconds)

    @contextmanager
    def given_up_when_interrupted(self) -> Iterator[None]:
        """End all calls where the block is interrupted: streams are held for minutes."""
        try:
            yield
        except KeyboardInterrupt:
            self._open.give_up()
            raise
