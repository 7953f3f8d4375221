"""A stream of chunks: what is said when there is nothing to send, and what is left behind."""

import time
from collections.abc import Generator

from catalog_service.blobs.chunk_stream import Chunk, crc32c_of
from catalog_service.serving.disk_threads import DiskThreads
from catalog_service.serving.download import Download
from catalog_service.serving.drain import Drain
from tests.fakes.in_loop import in_loop
from vertebra.blob.v1 import blob_service_pb2 as pb
from vertebra.model.v1.stream_pb2 import StreamEnd

DATA = b"x" * 100
CHUNK = Chunk(offset=40, data=DATA, crc32c=crc32c_of(DATA))


def download(**options: float) -> Download:
    first = pb.ReadTensorsResponse(file=pb.TensorsFile(etag="e", size_bytes=140))
    return Download(first, 40, threads=DiskThreads(), drain=Drain(), **options)


async def sent(
    stream: Download, chunks: Generator[Chunk | None, None, None]
) -> list[pb.ReadTensorsResponse]:
    encoded = [message async for message in stream.messages(chunks)]
    return [pb.ReadTensorsResponse.FromString(one) for one in encoded]


def slow_to_begin() -> Generator[Chunk | None, None, None]:
    for _ in range(5):
        time.sleep(0.01)
        yield None
    yield CHUNK


@in_loop
async def test_a_long_silence_has_heartbeats_and_the_introduction_comes_with_the_bytes():
    messages = await sent(download(heartbeat_s=0.02), slow_to_begin())

    *beats, last = messages
    assert 2 <= len(beats) <= 5
    assert all((m.offset, m.data, m.HasField("file")) == (40, b"", False) for m in beats)
    assert (last.offset, last.data, last.file.etag) == (40, DATA, "e")


@in_loop
async def test_a_short_silence_has_none():
    assert len(await sent(download(), slow_to_begin())) == 1


@in_loop
async def test_the_end_says_where_to_resume_and_introduces_what_had_no_bytes():
    stream = download()
    assert await sent(stream, (chunk for chunk in ())) == []

    end = stream.end()

    assert (end.end.reason, end.end.resume_after) == (StreamEnd.REASON_COMPLETED, 40)
    assert end.file.etag == "e"


@in_loop
async def test_a_caller_that_leaves_closes_the_file():
    closed: list[bool] = []

    def chunks() -> Generator[Chunk | None, None, None]:
        try:
            while True:
                yield CHUNK
        finally:
            closed.append(True)

    source = chunks()
    messages = download().messages(source)
    await anext(messages)
    await messages.aclose()

    assert closed == [True]
