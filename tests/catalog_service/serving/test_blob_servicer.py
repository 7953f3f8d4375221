"""BlobService on a real server: reads resume anywhere, writes store all or nothing."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import google_crc32c
import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from catalog_service.blobs.store import BlobStore
from catalog_service.serving.blob_servicer import BlobServicer, blob_registration
from catalog_service.serving.blob_upload import UploadLimits
from catalog_service.serving.listen import Listen
from catalog_service.serving.server import RunningServer, ServerParts, start_server
from tests.fakes.in_loop import in_loop, until
from tests.fakes.stalled_reader import stalled_reader
from vertebra.blob.v1 import blob_service_pb2 as pb
from vertebra.blob.v1 import blob_service_pb2_grpc as pb_grpc
from vertebra.model.v1.stream_pb2 import StreamEnd

DATA = os.urandom(2_500_000)
DIGEST = f"sha256:{hashlib.sha256(DATA).hexdigest()}"
NAME = f"blobs/{DIGEST}"
PIECE = 700_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    store: BlobStore
    stub: pb_grpc.BlobServiceStub
    server: RunningServer
    parts: ServerParts

    def files(self) -> list[str]:
        return [path.name for path in self.store.root.rglob("*") if path.is_file()]

    async def read(self, **fields: object) -> list[pb.ReadBlobResponse]:
        request = pb.ReadBlobRequest(**{"name": NAME, **fields})
        return [message async for message in self.stub.ReadBlob(request)]


@asynccontextmanager
async def service(tmp_path, limits: UploadLimits | None = None) -> AsyncIterator[Service]:
    store, parts = BlobStore(tmp_path / "store"), ServerParts()
    servicer = BlobServicer(store, drain=parts.drain, limits=limits)
    listen = Listen(host="127.0.0.1", port=0)
    server = await start_server(listen, [blob_registration(servicer)], parts=parts)
    try:
        async with grpc.aio.insecure_channel(server.address) as channel:
            stub = pb_grpc.BlobServiceStub(channel)
            yield Service(store=store, stub=stub, server=server, parts=parts)
    finally:
        await server.drain_and_stop()


def put(store: BlobStore, data: bytes = DATA) -> None:
    with store.open_writer() as writer:
        writer.write(data)
        writer.commit()


def upload(
    data: bytes = DATA, *, with_crc: bool = True, **header: object
) -> list[pb.WriteBlobRequest]:
    pieces = [(start, data[start : start + PIECE]) for start in range(0, len(data), PIECE)]
    return [
        pb.WriteBlobRequest(header=pb.WriteBlobHeader(**header)),
        *(
            pb.WriteBlobRequest(
                offset=start, data=piece, crc32c=google_crc32c.value(piece) if with_crc else None
            )
            for start, piece in pieces
        ),
    ]


async def each(messages: list[pb.WriteBlobRequest]) -> AsyncIterator[pb.WriteBlobRequest]:
    for message in messages:
        yield message


async def failure(call: object) -> tuple[grpc.StatusCode, str, str]:
    """Return the status, the reason and the message of a call that fails."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    status = dict(raised.value.trailing_metadata())["grpc-status-details-bin"]
    info = ErrorInfo()
    assert any(detail.Unpack(info) for detail in Status.FromString(status).details)
    return raised.value.code(), info.reason, raised.value.details()


@in_loop
async def test_every_chunk_says_where_it_belongs_the_first_what_it_is_the_last_that_it_ends(
    tmp_path,
):
    async with service(tmp_path) as blobs:
        put(blobs.store)
        *chunks, last = await blobs.read()

    position = 0
    for chunk in chunks:
        assert chunk.offset == position
        assert chunk.crc32c == google_crc32c.value(chunk.data)
        position += len(chunk.data)
    assert [len(chunk.data) for chunk in chunks] == [1 << 20, 1 << 20, len(DATA) - (2 << 20)]
    assert [m.HasField("blob") for m in (*chunks, last)] == [True, False, False, False]
    assert chunks[0].blob == pb.Blob(name=NAME, digest=DIGEST, size_bytes=len(DATA))
    assert last.end.reason == StreamEnd.REASON_COMPLETED
    assert (last.end.resume_after, last.data) == (len(DATA), b"")


@pytest.mark.parametrize("cut", [0, 1, 65_536, 65_537, 1 << 20, len(DATA) - 1, len(DATA)])
@in_loop
async def test_a_read_resumed_anywhere_is_the_same_blob(tmp_path, cut):
    async with service(tmp_path) as blobs:
        put(blobs.store)
        before = await blobs.read(limit=cut) if cut else []
        after = await blobs.read(offset=cut, chunk_bytes=100_000)

    whole = hashlib.sha256(b"".join(m.data for m in (*before, *after))).hexdigest()
    assert f"sha256:{whole}" == DIGEST
    assert after[0].blob.size_bytes == len(DATA), "even where nothing is left to send"


@in_loop
async def test_raw_chunks_are_what_protobuf_would_have_sent(tmp_path):
    """ReadBlob writes its messages without protobuf; any canonical encoder gives the same bytes."""
    async with service(tmp_path) as blobs:
        put(blobs.store)
        method = "/vertebra.blob.v1.BlobService/ReadBlob"
        async with grpc.aio.insecure_channel(blobs.server.address) as channel:
            request = pb.ReadBlobRequest(name=NAME, chunk_bytes=100_000).SerializeToString()
            raw = [message async for message in channel.unary_stream(method)(request)]

    assert len(raw) == 26
    for message in raw:
        assert pb.ReadBlobResponse.FromString(message).SerializeToString() == message


@pytest.mark.parametrize("size", [0, 1, 127, 128, 16_383, 16_384])
@in_loop
async def test_small_blobs_and_the_empty_one_are_read_too(tmp_path, size):
    data = DATA[:size]
    name = f"blobs/sha256:{hashlib.sha256(data).hexdigest()}"
    async with service(tmp_path) as blobs:
        put(blobs.store, data)
        messages = await blobs.read(name=name)

    assert b"".join(message.data for message in messages) == data
    assert messages[0].blob.size_bytes == size


@pytest.mark.parametrize(
    ("fields", "code", "reason"),
    [
        ({"name": "blobs/../../etc/passwd"}, "INVALID_ARGUMENT", "FIELD_INVALID"),
        ({"name": f"blobs/sha256:{'0' * 64}"}, "NOT_FOUND", "BLOB_NOT_FOUND"),
        ({"offset": -1}, "INVALID_ARGUMENT", "FIELD_INVALID"),
        ({"limit": -1}, "INVALID_ARGUMENT", "FIELD_INVALID"),
        ({"chunk_bytes": -1}, "INVALID_ARGUMENT", "FIELD_INVALID"),
        ({"offset": len(DATA) + 1}, "OUT_OF_RANGE", "OFFSET_BEYOND_END"),
    ],
)
@in_loop
async def test_a_read_that_makes_no_sense_is_refused(tmp_path, fields, code, reason):
    async with service(tmp_path) as blobs:
        put(blobs.store)

        assert (await failure(blobs.read(**fields)))[:2] == (grpc.StatusCode[code], reason)


@in_loop
async def test_bytes_that_changed_on_the_disk_are_not_sent(tmp_path, counted):
    async with service(tmp_path) as blobs:
        put(blobs.store)
        path = blobs.store.path(DIGEST)
        path.chmod(0o600)
        path.write_bytes(DATA[:-1] + b"x")
        first = await failure(blobs.read())
        second = await failure(blobs.stub.StatBlob(pb.StatBlobRequest(name=NAME)))

    assert first[:2] == (grpc.StatusCode.DATA_LOSS, "DIGEST_MISMATCH")
    assert second[:2] == (grpc.StatusCode.NOT_FOUND, "BLOB_NOT_FOUND")
    counted(changed_bytes=1)


@in_loop
async def test_stat_says_what_is_here(tmp_path):
    async with service(tmp_path) as blobs:
        put(blobs.store)
        for name in (NAME, DIGEST):
            found = await blobs.stub.StatBlob(pb.StatBlobRequest(name=name))
            assert found.blob == pb.Blob(name=NAME, digest=DIGEST, size_bytes=len(DATA))


@pytest.mark.parametrize("header", [{}, {"expected_digest": DIGEST}])
@pytest.mark.parametrize("with_crc", [True, False])
@in_loop
async def test_an_upload_is_stored_under_its_digest_and_again_changes_nothing(
    tmp_path, header, with_crc
):
    messages = upload(with_crc=with_crc, **header)
    async with service(tmp_path) as blobs:
        first = await blobs.stub.WriteBlob(each(messages))
        second = await blobs.stub.WriteBlob(each(messages))
        stored = blobs.store.path(DIGEST).read_bytes()

        assert blobs.files() == [DIGEST[7:]]
    assert first.blob == second.blob == pb.Blob(name=NAME, digest=DIGEST, size_bytes=len(DATA))
    assert (first.already_existed, second.already_existed) == (False, True)
    assert stored == DATA


def without_header() -> list[pb.WriteBlobRequest]:
    return upload()[1:]


def header_twice() -> list[pb.WriteBlobRequest]:
    return [*upload(), *upload()[:1]]


def data_beside_the_header() -> list[pb.WriteBlobRequest]:
    header, *rest = upload()
    return [pb.WriteBlobRequest(header=header.header, data=b"x"), *rest]


def swapped() -> list[pb.WriteBlobRequest]:
    header, one, two, *rest = upload()
    return [header, two, one, *rest]


def repeated() -> list[pb.WriteBlobRequest]:
    header, one, *rest = upload()
    return [header, one, one, *rest]


def wrong_crc() -> list[pb.WriteBlobRequest]:
    messages = upload()
    messages[2].crc32c ^= 1
    return messages


def crc_of_nothing() -> list[pb.WriteBlobRequest]:
    """A checksum of zero is one, too: presence counts, not the value."""
    messages = upload()
    messages[2].crc32c = 0
    return messages


BAD_UPLOADS = [
    (list, "INVALID_ARGUMENT", "FIELD_INVALID"),
    (without_header, "INVALID_ARGUMENT", "FIELD_INVALID"),
    (header_twice, "INVALID_ARGUMENT", "FIELD_INVALID"),
    (data_beside_the_header, "INVALID_ARGUMENT", "FIELD_INVALID"),
    (swapped, "INVALID_ARGUMENT", "FIELD_INVALID"),
    (repeated, "INVALID_ARGUMENT", "FIELD_INVALID"),
    (lambda: upload(expected_digest="md5:1"), "INVALID_ARGUMENT", "FIELD_INVALID"),
    (lambda: upload(expected_size_bytes=-1), "INVALID_ARGUMENT", "FIELD_INVALID"),
    (lambda: upload(expected_size_bytes=len(DATA) + 1), "INVALID_ARGUMENT", "FIELD_INVALID"),
    (lambda: upload(expected_size_bytes=len(DATA) - 1), "INVALID_ARGUMENT", "FIELD_INVALID"),
    (lambda: upload(expected_digest="sha256:" + "0" * 64), "DATA_LOSS", "DIGEST_MISMATCH"),
    (wrong_crc, "DATA_LOSS", "DIGEST_MISMATCH"),
    (crc_of_nothing, "DATA_LOSS", "DIGEST_MISMATCH"),
    (lambda: upload(DATA + b"xx"), "RESOURCE_EXHAUSTED", "BLOB_TOO_LARGE"),
    (lambda: upload(b"", expected_size_bytes=1 << 40), "RESOURCE_EXHAUSTED", "BLOB_TOO_LARGE"),
]


@pytest.mark.parametrize(("messages", "code", "reason"), BAD_UPLOADS)
@in_loop
async def test_a_bad_upload_is_refused_and_stores_nothing(tmp_path, messages, code, reason):
    async with service(tmp_path, UploadLimits(max_blob_bytes=len(DATA) + 1)) as blobs:
        refused = await failure(blobs.stub.WriteBlob(each(messages())))
        left = blobs.files()

    assert refused[:2] == (grpc.StatusCode[code], reason)
    assert left == []


@in_loop
async def test_an_upload_that_is_cancelled_stores_nothing(tmp_path):
    async with service(tmp_path) as blobs:
        call = blobs.stub.WriteBlob()
        for message in upload()[:2]:
            await call.write(message)
        await until(lambda: len(blobs.files()) == 1)
        call.cancel()
        await asyncio.wait_for(blobs.server.in_flight.until_none(), 60)

        assert blobs.files() == []


@in_loop
async def test_an_upload_whose_sender_vanishes_stores_nothing(tmp_path):
    async with service(tmp_path) as blobs:
        async with stalled_reader(blobs.server.address) as client:
            header, first = (message.SerializeToString() for message in upload(DATA[:1000]))
            client.call("/vertebra.blob.v1.BlobService/WriteBlob", header, first, is_over=False)
            await until(lambda: len(blobs.files()) == 1)
        await asyncio.wait_for(blobs.server.in_flight.until_none(), 60)

        assert blobs.files() == []


@in_loop
async def test_the_refusal_of_a_long_upload_arrives_while_it_is_still_being_sent(tmp_path):
    """Answered at once, gRPC's own asynchronous client would report INTERNAL."""
    messages = [*header_twice(), *upload(DATA)[1:], *upload(DATA)[1:]]
    async with service(tmp_path) as blobs:
        for _ in range(5):
            refused = await failure(blobs.stub.WriteBlob(each([messages[-1], *messages])))

            assert refused[:2] == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")


@in_loop
async def test_an_upload_that_pauses_too_long_is_given_up(tmp_path):
    async with service(tmp_path, UploadLimits(max_pause_s=0.2)) as blobs:
        call = blobs.stub.WriteBlob()
        for message in upload()[:2]:
            await call.write(message)

        assert (await failure(call))[:2] == (grpc.StatusCode.UNAVAILABLE, "UPLOAD_STALLED")
        assert blobs.files() == []


@in_loop
async def test_a_closing_server_ends_a_download_with_the_offset_to_resume_from(tmp_path):
    async with service(tmp_path) as blobs:
        put(blobs.store)
        blobs.parts.drain.closing.set()
        *chunks, last = await blobs.read(chunk_bytes=100_000)

    assert last.end.reason == StreamEnd.REASON_DRAINING
    assert 0 < last.end.resume_after == sum(len(chunk.data) for chunk in chunks) < len(DATA)


@in_loop
async def test_a_draining_server_lets_a_download_finish(tmp_path):
    async with service(tmp_path) as blobs:
        put(blobs.store)
        blobs.parts.drain.draining.set()
        *_, last = await blobs.read()

    assert last.end.reason == StreamEnd.REASON_COMPLETED


@in_loop
async def test_a_reader_that_takes_nothing_leaves_the_server_free_for_others(tmp_path, counted):
    request = pb.ReadBlobRequest(name=NAME).SerializeToString()
    async with service(tmp_path) as blobs, stalled_reader(blobs.server.address) as attacker:
        put(blobs.store)
        for _ in range(20):
            attacker.call("/vertebra.blob.v1.BlobService/ReadBlob", request)
        await until(lambda: blobs.server.in_flight.num_calls == 20)

        messages = await asyncio.wait_for(blobs.read(), 60)

        assert b"".join(message.data for message in messages) == DATA
        counted(stalled_readers=20)
        blobs.parts.drain.signalled()
        blobs.parts.drain.signalled()
