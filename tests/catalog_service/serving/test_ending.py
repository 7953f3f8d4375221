"""Why a stream ends early, and that a client goes on where it stood."""

import asyncio
import os
import time

from catalog_service.blobs.store import BlobStore
from catalog_service.serving.blob_servicer import BlobServicer, blob_registration
from catalog_service.serving.ending import ending
from catalog_service.serving.server import ServerParts, start_server
from catalog_service.serving.stays import Stay, stay
from tests.fakes.authority import Issuer
from tests.fakes.echo_service import LOOPBACK
from tests.fakes.guarded_server import doors_of
from tests.fakes.in_loop import in_loop
from vertebra.blob_client import BlobClient
from vertebra.connection import Connection, Pace
from vertebra.credentials import Credentials
from vertebra.model.v1.stream_pb2 import StreamEnd


@in_loop
async def test_who_does_not_expire_ends_with_the_drain():
    stay.set(None)
    drained = asyncio.Event()
    async with ending(drained) as ends:
        assert not ends.is_near
        drained.set()
        assert (ends.is_near, ends.over.is_set()) == (True, True)
        assert ends.reason == StreamEnd.REASON_DRAINING


@in_loop
async def test_whose_stay_is_over_ends_then():
    here = Stay()
    stay.set(here)
    async with ending(asyncio.Event()) as ends:
        assert not ends.is_near
        here.end()
        await ends.over.wait()
        assert ends.is_near
        assert ends.reason == StreamEnd.REASON_AUTH_EXPIRED


@in_loop
async def test_whose_stay_was_over_before_ends_at_once():
    here = Stay()
    stay.set(here)
    here.end()
    async with ending(asyncio.Event()) as ends:
        assert ends.is_near


@in_loop
async def test_who_may_stay_longer_ends_with_the_drain_before_that():
    stay.set(Stay())
    drained = asyncio.Event()
    async with ending(drained) as ends:
        drained.set()
        await ends.over.wait()
        assert ends.reason == StreamEnd.REASON_DRAINING


@in_loop
async def test_nothing_is_left_behind():
    stay.set(Stay())
    before = asyncio.all_tasks()
    async with ending(asyncio.Event()):
        assert asyncio.all_tasks() > before
    await asyncio.sleep(0)

    assert asyncio.all_tasks() == before


@in_loop
async def test_a_download_goes_on_with_the_next_token_where_the_last_one_ended(tmp_path):
    """Each opening expires after one chunk: a clock that is late lets the token in again."""
    issuer, content = Issuer(), os.urandom(3 << 20)
    access, token = tmp_path / "access.toml", tmp_path / "token"
    access.write_text('[[caller]]\nname = "jwt:*"\nroles = ["user"]\n')
    token.write_text(issuer.token(exp=int(time.time()) - 100))
    parts = ServerParts(doors=doors_of(access, issuer, late_s=1000))
    store = BlobStore(tmp_path / "blobs")
    (tmp_path / "content").write_bytes(content)
    digest = store.adopt_file(tmp_path / "content").digest
    servicer = BlobServicer(store, drain=parts.drain)
    server = await start_server(LOOPBACK, [blob_registration(servicer)], parts=parts)

    def download() -> int:
        pace = Pace(sleep=lambda _: None)
        shown = Credentials(token_file=token)
        connection = Connection(server.address, credentials=shown, pace=pace)
        path = BlobClient(connection).download(digest, tmp_path / "copy")
        connection.close()
        assert path.read_bytes() == content
        return parts.telemetry.registry.get_sample_value(
            "vertebra_rpc_handled_total",
            {"rpc": "vertebra.blob.v1.BlobService/ReadBlob", "code": "OK"},
        )

    assert await asyncio.to_thread(download) >= 3
    await server.drain_and_stop()


@in_loop
async def test_an_upload_goes_on_with_the_next_token_when_the_last_one_ended(tmp_path):
    """The first token is let in by a clock that is late, and expires at once."""
    issuer, content = Issuer(), os.urandom(3 << 20)
    access, token, file = tmp_path / "access.toml", tmp_path / "token", tmp_path / "content"
    access.write_text('[[caller]]\nname = "jwt:*"\nroles = ["user"]\n')
    token.write_text(issuer.token(exp=int(time.time()) - 100))
    file.write_bytes(content)
    parts = ServerParts(doors=doors_of(access, issuer, late_s=1000))
    store = BlobStore(tmp_path / "blobs")
    servicer = BlobServicer(store, drain=parts.drain)
    server = await start_server(LOOPBACK, [blob_registration(servicer)], parts=parts)

    def upload() -> float | None:
        pace = Pace(sleep=lambda _: token.write_text(issuer.token()))
        shown = Credentials(token_file=token)
        connection = Connection(server.address, credentials=shown, pace=pace)
        blob = BlobClient(connection).upload(file)
        connection.close()
        assert store.verify(blob.digest)
        return parts.telemetry.registry.get_sample_value(
            "vertebra_rpc_handled_total",
            {"rpc": "vertebra.blob.v1.BlobService/WriteBlob", "code": "UNAUTHENTICATED"},
        )

    assert await asyncio.to_thread(upload) == 1
    await server.drain_and_stop()
