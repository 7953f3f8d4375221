"""Streams that are open end when their caller's token does, and when the access file changes."""

import asyncio
import hashlib
import itertools
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest

from catalog_service.blobs.store import BlobStore
from catalog_service.serving.access import AccessFile
from catalog_service.serving.blob_servicer import BlobServicer, blob_registration
from catalog_service.serving.doors import Doors
from catalog_service.serving.identity import Identity
from catalog_service.serving.server import RunningServer, ServerParts, start_server
from tests.fakes.authority import Issuer, replace
from tests.fakes.echo_service import LOOPBACK
from tests.fakes.guarded_server import LOOK_S, Guarded, bearer, doors_of, guarded_server
from tests.fakes.in_loop import in_loop, until
from vertebra.blob.v1 import blob_service_pb2 as blob
from vertebra.blob.v1.blob_service_pb2_grpc import BlobServiceStub
from vertebra.client_errors import from_rpc_error
from vertebra.diagnostics.v1 import path_service_pb2 as pb
from vertebra.diagnostics.v1.path_service_pb2_grpc import PathServiceStub
from vertebra.model.v1.stream_pb2 import StreamEnd

TOKEN, OTHER = "a-token-that-nobody-guesses", "another-that-nobody-guesses"
EXPIRED_S = 100


def row(name: str, *, token: str = "", roles: tuple[str, ...] = ("user",), more: str = "") -> str:
    """Return a row of an access file."""
    digest = f'token_sha256 = "{hashlib.sha256(token.encode()).hexdigest()}"\n' if token else ""
    return f'[[caller]]\nname = "{name}"\nroles = {json.dumps(list(roles))}\n{digest}{more}\n'


@asynccontextmanager
async def held(server: Guarded, token: str = TOKEN, *, for_s: int = 3000) -> AsyncIterator[object]:
    """Open a stream that lasts, and wait until it is there."""
    request = pb.HoldStreamRequest()
    request.duration.FromSeconds(for_s)
    request.interval.FromMilliseconds(100)
    async with server.channel() as channel:
        stream = PathServiceStub(channel).HoldStream(request, metadata=[bearer(token)], timeout=60)
        await stream.read()
        yield stream


async def end_of(stream: object) -> "StreamEnd.Reason":
    """Return why a stream ended."""
    message = last = await stream.read()
    while message is not grpc.aio.EOF:
        last, message = message, await stream.read()
    return last.end.reason


async def refusal(server: Guarded, token: str = TOKEN) -> tuple[str, str]:
    """Return code and reason that the caller gets who opens the stream again."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        async with held(server, token):
            pass
    failed = from_rpc_error(refused.value, server.address)
    return failed.code.name, failed.reason


@in_loop
async def test_a_stream_ends_soon_after_its_caller_was_removed(tmp_path):
    both = row("token:ci", token=TOKEN) + row("token:ann", token=OTHER)
    async with guarded_server(tmp_path, both) as server, held(server) as stream:
        async with held(server, OTHER) as others:
            replace(server.access_file, row("token:ann", token=OTHER).encode())
            assert await end_of(stream) == StreamEnd.REASON_AUTH_EXPIRED
            assert (await others.read()).HasField("heartbeat")
        assert await refusal(server) == ("UNAUTHENTICATED", "TOKEN_INVALID")


@in_loop
async def test_a_stream_ends_soon_after_its_caller_lost_the_role(tmp_path):
    async with guarded_server(tmp_path, row("token:ci", token=TOKEN)) as server:
        async with held(server) as stream:
            replace(server.access_file, row("token:ci", token=TOKEN, roles=("viewer",)).encode())
            assert await end_of(stream) == StreamEnd.REASON_AUTH_EXPIRED
        assert await refusal(server) == ("PERMISSION_DENIED", "ROLE_MISSING")


@in_loop
async def test_a_stream_ends_when_its_token_becomes_somebody_else_s(tmp_path):
    async with (
        guarded_server(tmp_path, row("token:ci", token=TOKEN)) as server,
        held(server) as stream,
    ):
        replace(server.access_file, row("token:ann", token=TOKEN).encode())
        assert await end_of(stream) == StreamEnd.REASON_AUTH_EXPIRED


@in_loop
async def test_a_stream_ends_when_its_token_was_given_an_end(tmp_path):
    async with guarded_server(tmp_path, row("token:ci", token=TOKEN)) as server:
        async with held(server) as stream:
            past = row("token:ci", token=TOKEN, more="expires = 2026-01-01T00:00:00Z")
            replace(server.access_file, past.encode())
            assert await end_of(stream) == StreamEnd.REASON_AUTH_EXPIRED
        assert await refusal(server) == ("UNAUTHENTICATED", "TOKEN_EXPIRED")


@pytest.mark.parametrize(
    "now",
    [
        row("token:ci", token=TOKEN, roles=("operator",)),
        row("token:*", roles=("viewer",)) + row("token:ci", token=TOKEN) + "\n[[caller]]\nname =",
    ],
    ids=["another role that does", "a broken file"],
)
@in_loop
async def test_a_stream_goes_on_whose_caller_may_still(tmp_path, now):
    async with (
        guarded_server(tmp_path, row("token:ci", token=TOKEN)) as server,
        held(server, for_s=1) as stream,
    ):
        replace(server.access_file, now.encode())
        assert await end_of(stream) == StreamEnd.REASON_COMPLETED


@in_loop
async def test_reflection_is_cut_when_its_caller_is_removed(tmp_path):
    before = row("token:ci", token=TOKEN)
    async with guarded_server(tmp_path, before) as server, server.channel() as channel:
        method = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
        stream = channel.stream_stream(method)(metadata=[bearer(TOKEN)], timeout=60)
        await stream.write(b"\x3a\x00")
        assert await stream.read()
        replace(server.access_file, row("token:ann", token=OTHER).encode())
        with pytest.raises(grpc.aio.AioRpcError) as cut:
            await stream.read()

    assert from_rpc_error(cut.value, server.address).reason == "AUTH_EXPIRED"


@asynccontextmanager
async def blob_server(tmp_path: Path, doors: Doors) -> AsyncIterator[RunningServer]:
    parts = ServerParts(doors=doors)
    servicer = BlobServicer(BlobStore(tmp_path / "blobs"), drain=parts.drain)
    server = await start_server(LOOPBACK, [blob_registration(servicer)], parts=parts)
    try:
        yield server
    finally:
        await server.drain_and_stop()


@asynccontextmanager
async def upload(server: RunningServer, token: str) -> AsyncIterator[object]:
    """Begin an upload, and wait until the server has let it in: a header and nothing more."""
    async with grpc.aio.insecure_channel(server.address) as channel:
        call = BlobServiceStub(channel).WriteBlob(metadata=[bearer(token)], timeout=60)
        await call.write(blob.WriteBlobRequest(header=blob.WriteBlobHeader()))
        await until(lambda: server.in_flight.num_calls > 0 or call.done())
        yield call


def send_on_and_on(address: str) -> grpc.RpcError:
    """Send until the server says no, as programs do; return what it says."""

    def messages() -> Iterator[blob.WriteBlobRequest]:
        yield blob.WriteBlobRequest(header=blob.WriteBlobHeader())
        for offset in itertools.count():
            yield blob.WriteBlobRequest(offset=offset, data=b"x")
            time.sleep(0.01)

    with grpc.insecure_channel(address) as channel, pytest.raises(grpc.RpcError) as cut:
        BlobServiceStub(channel).WriteBlob(messages(), metadata=[bearer(TOKEN)], timeout=60)
    return cut.value


@in_loop
async def test_an_upload_that_goes_on_and_on_is_cut_when_its_caller_is_removed(tmp_path):
    access = tmp_path / "access.toml"
    access.write_text(row("token:ci", token=TOKEN))
    reread = AccessFile(access)
    doors = Doors(access=reread, identity=Identity(reread), look_s=LOOK_S)
    async with blob_server(tmp_path, doors) as server:
        sending = asyncio.create_task(asyncio.to_thread(send_on_and_on, server.address))
        await until(lambda: server.in_flight.num_calls > 0)
        replace(access, row("token:ann", token=OTHER).encode())
        failed = from_rpc_error(await sending, server.address)

    assert (failed.code.name, failed.reason) == ("UNAUTHENTICATED", "AUTH_EXPIRED")
    assert "token:ci" in failed.message
    assert failed.may_pass  # with what is valid now


@in_loop
async def test_an_upload_that_is_silent_is_cut_when_its_token_expires(tmp_path):
    """A clock that is late lets the token in; then it expires at once."""
    issuer, access = Issuer(), tmp_path / "access.toml"
    access.write_text(row("jwt:*"))
    token = issuer.token(exp=int(time.time()) - EXPIRED_S)
    doors = doors_of(access, issuer, late_s=1000)
    async with blob_server(tmp_path, doors) as server, upload(server, token) as call:
        with pytest.raises(grpc.aio.AioRpcError) as cut:
            await call

    failed = from_rpc_error(cut.value, server.address)
    assert (failed.code.name, failed.reason) == ("UNAUTHENTICATED", "AUTH_EXPIRED")
