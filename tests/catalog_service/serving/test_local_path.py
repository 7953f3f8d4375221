"""Where a blob is on the disk is told only to callers on this host, and where settings allow it."""

import asyncio
import hashlib
from dataclasses import dataclass

import grpc
import pytest

from catalog_service.blobs.blob import DigestMismatch
from catalog_service.blobs.store import BlobStore
from catalog_service.serving.blob_servicer import BlobServicer, blob_registration
from catalog_service.serving.drain import Drain
from catalog_service.serving.listen import Listen
from catalog_service.serving.server import start_server
from catalog_service.settings import CatalogSettings
from tests.fakes.in_loop import in_loop
from trainer_service.settings import TrainerSettings
from vertebra.blob.v1 import blob_service_pb2 as pb
from vertebra.blob.v1 import blob_service_pb2_grpc as pb_grpc

DATA = b"numbers" * 1000
DIGEST = f"sha256:{hashlib.sha256(DATA).hexdigest()}"


@dataclass(frozen=True)
class CallFrom:
    """The part of gRPC's context that says who calls: remote peers are hard to be in a test."""

    name: str

    def peer(self) -> str:
        return self.name


def stored(tmp_path) -> BlobStore:
    store = BlobStore(tmp_path / "store")
    with store.open_writer() as writer:
        writer.write(DATA)
        writer.commit()
    return store


def told(store: BlobStore, peer: str, *, shares_paths: bool = True) -> pb.StatBlobResponse:
    servicer = BlobServicer(store, drain=Drain(), shares_paths=shares_paths)
    request = pb.StatBlobRequest(name=DIGEST)
    return asyncio.run(servicer.StatBlob(request, CallFrom(peer)))


@in_loop
async def test_a_real_caller_on_this_host_is_told_the_file(tmp_path):
    servicer = BlobServicer(stored(tmp_path), drain=Drain(), shares_paths=True)
    server = await start_server(Listen(host="127.0.0.1", port=0), [blob_registration(servicer)])
    async with grpc.aio.insecure_channel(server.address) as channel:
        answer = await pb_grpc.BlobServiceStub(channel).StatBlob(pb.StatBlobRequest(name=DIGEST))
    await server.drain_and_stop()

    path = tmp_path / "store" / "sha256" / DIGEST[7:9] / DIGEST[7:]
    assert answer.local_path == str(path)
    assert path.read_bytes() == DATA


@pytest.mark.parametrize("peer", ["ipv4:10.0.0.7:5000", "ipv6:%5B2001:db8::1%5D:5000", "vsock:1:2"])
def test_a_caller_from_elsewhere_is_told_nothing(tmp_path, peer):
    answer = told(stored(tmp_path), peer)

    assert (answer.local_path, answer.blob.size_bytes) == ("", len(DATA))


def test_nobody_is_told_where_the_setting_is_off(tmp_path):
    assert told(stored(tmp_path), "ipv4:127.0.0.1:5000", shares_paths=False).local_path == ""


def test_the_path_of_changed_bytes_is_not_told(tmp_path):
    store = stored(tmp_path)
    store.path(DIGEST).chmod(0o600)
    store.path(DIGEST).write_bytes(DATA[::-1])

    with pytest.raises(DigestMismatch):
        told(store, "unix:")


@pytest.mark.parametrize("settings", [CatalogSettings, TrainerSettings])
@pytest.mark.parametrize(
    ("listen", "given", "shares"),
    [
        ("127.0.0.1:0", None, True),
        ("localhost:0", None, True),
        ("[::1]:0", None, True),
        ("0.0.0.0:0", None, False),
        ("[::]:0", None, False),
        ("catalog.example.com:0", None, False),
        ("127.0.0.1:0", False, False),
        ("0.0.0.0:0", True, True),
    ],
)
def test_paths_are_shared_on_loopback_unless_the_setting_says_otherwise(
    settings, listen, given, shares
):
    chosen = settings(listen=Listen.parse(listen), share_paths=given)

    assert chosen.shares_paths is shares
