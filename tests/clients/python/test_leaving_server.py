"""Streams that are opened while their server leaves end; gRPC's own way is seen to hang."""

import threading
from contextlib import suppress

import grpc
import pytest

from tests.fakes.leaving_server import leaving_server
from vertebra.catalog_client import CatalogClient
from vertebra.channel import NO_PROXY
from vertebra.client_errors import ServiceUnreachable
from vertebra.connection import Pace

DIGEST = f"sha256:{'0' * 64}"
OWN = (("grpc.use_local_subchannel_pool", 1), *NO_PROXY)
NUM_TRIES = 30
"""Of gRPC's own way every third hangs."""
LONG_ENOUGH_S = 3.0
"""For a reader to learn what its call knows already: one that needs longer hangs."""


def test_a_stream_that_its_server_leaves_ends() -> None:
    for _ in range(NUM_TRIES):
        with (
            leaving_server() as address,
            CatalogClient(address, pace=Pace(first_patience_s=0)) as client,
            pytest.raises(ServiceUnreachable),
        ):
            list(client.blobs.read(DIGEST))


def test_a_stream_that_grpc_repeats_by_itself_may_never_end() -> None:
    """Why no channel of ours does: its status is there, and who waits for a message is not told."""
    assert any(_hangs() for _ in range(10 * NUM_TRIES))


def _hangs() -> bool:
    """Open a stream of a server that leaves; return whether its reader waits on after its end."""
    with leaving_server() as address:
        channel = grpc.insecure_channel(address, options=OWN)
        stream, has_ended = channel.unary_stream("/a/b")(b""), threading.Event()
        stream.add_done_callback(lambda _: has_ended.set())

        def read() -> None:
            with suppress(grpc.RpcError):
                list(stream)

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        has_ended.wait()
        reader.join(LONG_ENOUGH_S)
        return reader.is_alive()
