"""WriteBlob with an upload id, and QueryWrite, on real servers: one of them is killed."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import grpc
import pytest

from catalog_service.blobs.store import BlobStore
from tests.catalog_service.serving.test_blob_servicer import (
    DATA,
    DIGEST,
    PIECE,
    each,
    failure,
    service,
    upload,
)
from tests.fakes.in_loop import in_loop, until
from tests.fakes.ports import free_port, wait_until_open
from vertebra.blob.v1 import blob_service_pb2 as pb
from vertebra.blob_client import BlobClient
from vertebra.connection import Connection, Pace

ID = "123e4567-e89b-42d3-a456-426614174000"
NAMED = {"expected_digest": DIGEST, "expected_size_bytes": len(DATA), "upload_id": ID}
HERE = pb.QueryWriteRequest(upload_id=ID)


async def cut(blobs, num_messages: int) -> None:
    """Send a beginning, and break off once it has arrived."""
    call = blobs.stub.WriteBlob()
    for message in upload(**NAMED)[:num_messages]:
        await call.write(message)
    part = blobs.store.root / "uploads" / f"{ID}.part"
    num_bytes = PIECE * (num_messages - 1)
    await until(lambda: part.exists() and part.stat().st_size == num_bytes)
    call.cancel()
    await blobs.server.in_flight.until_none()


@in_loop
async def test_a_broken_upload_is_continued_where_it_broke(tmp_path):
    async with service(tmp_path) as blobs:
        await cut(blobs, 3)
        there = await blobs.stub.QueryWrite(HERE)
        header, _, _, *rest = upload(**NAMED)
        answer = await blobs.stub.WriteBlob(each([header, *rest]))
        done = await blobs.stub.QueryWrite(HERE)

    assert (there.committed_bytes, there.complete) == (2 * PIECE, False)
    assert answer.blob.digest == DIGEST and not answer.already_existed
    assert (done.committed_bytes, done.complete) == (len(DATA), True)
    assert done.blob == answer.blob


@in_loop
async def test_an_upload_of_which_all_arrived_needs_its_header_alone(tmp_path):
    async with service(tmp_path) as blobs:
        header, *pieces = upload(**NAMED)
        await cut(blobs, 4)
        answer = await blobs.stub.WriteBlob(each([header, *pieces[3:]]))

    assert answer.blob.size_bytes == len(DATA)


@in_loop
async def test_without_a_name_a_broken_upload_leaves_nothing_to_ask_for(tmp_path):
    async with service(tmp_path) as blobs:
        refused = await failure(blobs.stub.QueryWrite(HERE))
        malformed = await failure(blobs.stub.QueryWrite(pb.QueryWriteRequest(upload_id="../x")))

    assert refused[:2] == (grpc.StatusCode.NOT_FOUND, "UPLOAD_NOT_FOUND")
    assert malformed[:2] == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")


@in_loop
async def test_two_calls_do_not_write_one_upload(tmp_path):
    async with service(tmp_path) as blobs:
        call = blobs.stub.WriteBlob()
        for message in upload(**NAMED)[:2]:
            await call.write(message)
        part = blobs.store.root / "uploads" / f"{ID}.part"
        await until(lambda: part.exists() and part.stat().st_size == PIECE)
        refused = await failure(blobs.stub.WriteBlob(each(upload(**NAMED))))
        call.cancel()

    assert refused[:2] == (grpc.StatusCode.FAILED_PRECONDITION, "UPLOAD_IN_USE")


@in_loop
async def test_an_offset_behind_a_gap_is_refused_and_nothing_is_lost(tmp_path):
    async with service(tmp_path) as blobs:
        await cut(blobs, 2)
        header, _, _, *rest = upload(**NAMED)
        refused = await failure(blobs.stub.WriteBlob(each([header, *rest])))
        there = await blobs.stub.QueryWrite(HERE)

    assert refused[:2] == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")
    assert there.committed_bytes == PIECE


@in_loop
async def test_a_damaged_piece_is_refused_and_what_came_before_stays(tmp_path):
    async with service(tmp_path) as blobs:
        messages = upload(**NAMED)
        messages[2].crc32c ^= 1
        refused = await failure(blobs.stub.WriteBlob(each(messages)))
        there = await blobs.stub.QueryWrite(HERE)

    assert refused[:2] == (grpc.StatusCode.DATA_LOSS, "DIGEST_MISMATCH")
    assert there.committed_bytes == PIECE


PROGRAM = """
import asyncio, os, signal, sys
from pathlib import Path
from catalog_service.blobs.store import BlobStore
from catalog_service.blobs.upload_writer import UploadWriter
from catalog_service.serving.blob_servicer import BlobServicer, blob_registration
from catalog_service.serving.listen import Listen
from catalog_service.serving.server import ServerParts, start_server

folder, port, kill_at = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])

def write(self, data, real=UploadWriter.write):
    room = kill_at - self.size_bytes if kill_at else len(data)
    real(self, data[:room])
    if kill_at and room <= len(data):
        os.kill(os.getpid(), signal.SIGKILL)

def begin_at(self, offset, real=UploadWriter.begin_at):
    if not self._has_begun:
        with (folder / "offsets").open("a") as file:
            file.write(f"{offset} ")
    real(self, offset)

UploadWriter.write, UploadWriter.begin_at = write, begin_at

async def main():
    parts = ServerParts()
    servicer = BlobServicer(BlobStore(folder / "store"), drain=parts.drain)
    listen = Listen(host="127.0.0.1", port=port)
    server = await start_server(listen, [blob_registration(servicer)], parts=parts)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def serve(folder: Path, port: int, kill_at: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder), str(port), str(kill_at)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


@pytest.mark.parametrize("num_kills", [3, pytest.param(30, marks=pytest.mark.full)])
def test_a_server_killed_at_any_byte_loses_none(tmp_path, num_kills):
    """One upload, as its sender sees it: the server dies and comes back, again and again."""
    file = tmp_path / "backbone.ckpt"
    file.write_bytes(DATA)
    port = free_port()
    points = sorted(random.Random(num_kills).sample(range(1, len(DATA)), num_kills))
    blobs = []
    sender = threading.Thread(target=lambda: blobs.append(send(port, file)))

    server = serve(tmp_path, port, points[0])
    wait_until_open(port)
    sender.start()
    for point in [*points[1:], 0]:
        assert server.wait(60) == -signal.SIGKILL
        server = serve(tmp_path, port, point)
    sender.join(60)
    server.kill()
    server.wait()

    assert [blob.digest for blob in blobs] == [DIGEST]
    assert [int(one) for one in (tmp_path / "offsets").read_text().split()] == [0, *points]
    stored = BlobStore(tmp_path / "store").path(DIGEST).read_bytes()
    assert hashlib.sha256(stored).hexdigest() == DIGEST[7:]


def send(port: int, file: Path) -> pb.Blob:
    pace = Pace(first_patience_s=60.0, longest_wait_s=0.2)
    connection = Connection(f"127.0.0.1:{port}", pace=pace)
    try:
        return BlobClient(connection).upload(file)
    finally:
        connection.close()
