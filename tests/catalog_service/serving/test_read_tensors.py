"""ReadTensors on a real server: a valid safetensors file of what was asked for, resumable."""

import asyncio
import hashlib
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import google_crc32c
import grpc
import pytest
import torch
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from safetensors.torch import load, save_file

from catalog_service.blobs.store import BlobStore
from catalog_service.serving.blob_servicer import BlobServicer, blob_registration
from catalog_service.serving.listen import Listen
from catalog_service.serving.server import RunningServer, ServerParts, start_server
from tests.fakes.built_models import NAME, REST, State, role_of, stored_model, whole_state
from tests.fakes.in_loop import in_loop, until
from tests.fakes.stalled_reader import stalled_reader
from vertebra.blob.v1 import blob_service_pb2 as pb
from vertebra.blob.v1 import blob_service_pb2_grpc as pb_grpc
from vertebra.model.v1 import layout_pb2
from vertebra.model.v1.stream_pb2 import StreamEnd

Messages = list[pb.ReadTensorsResponse]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    store: BlobStore
    stub: pb_grpc.BlobServiceStub
    server: RunningServer
    parts: ServerParts
    rest_blob: str

    async def read(self, **fields: object) -> Messages:
        request = pb.ReadTensorsRequest(**{"name": NAME, **fields})
        return [message async for message in self.stub.ReadTensors(request)]


@asynccontextmanager
async def service(tmp_path, *, has_models: bool = True) -> AsyncIterator[Service]:
    store, parts = BlobStore(tmp_path / "store"), ServerParts()
    models = stored_model(store, tmp_path)
    servicer = BlobServicer(store, drain=parts.drain, models=models if has_models else None)
    listen = Listen(host="127.0.0.1", port=0)
    server = await start_server(listen, [blob_registration(servicer)], parts=parts)
    try:
        async with grpc.aio.insecure_channel(server.address) as channel:
            yield Service(
                store=store,
                stub=pb_grpc.BlobServiceStub(channel),
                server=server,
                parts=parts,
                rest_blob=f"blobs/sha256:{models.parts.head_path.name}",
            )
    finally:
        await server.drain_and_stop()


def data_of(messages: Messages) -> bytes:
    return b"".join(message.data for message in messages)


def saved(state: State, tmp_path) -> bytes:
    """Return what safetensors itself writes for a state."""
    save_file(state, tmp_path / "saved", metadata={"format": "pt"})
    return (tmp_path / "saved").read_bytes()


async def failure(call: object) -> tuple[str, str, str]:
    """Return the status, the reason and the message of a call that fails."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    status = dict(raised.value.trailing_metadata())["grpc-status-details-bin"]
    info = ErrorInfo()
    assert any(detail.Unpack(info) for detail in Status.FromString(status).details)
    return raised.value.code().name, info.reason, raised.value.details()


def cast(dtype: torch.dtype) -> Callable[[str, torch.Tensor], torch.Tensor]:
    return lambda _, tensor: tensor.to(dtype) if tensor.is_floating_point() else tensor


SELECTIONS = [
    ({}, lambda name, tensor: tensor),
    *(
        ({"role": role}, lambda name, tensor, word=word: tensor if role_of(name) == word else None)
        for role, word in (
            (layout_pb2.ROLE_BACKBONE, "backbone"),
            (layout_pb2.ROLE_HEAD, "head"),
            (layout_pb2.ROLE_AUX, "aux"),
            (layout_pb2.ROLE_NECK, "neck"),
        )
    ),
    (
        {"tensors": ["fc.bias", "*layer*weight", "fc.bias"]},
        lambda name, tensor: tensor if name == "fc.bias" or "layer" in name else None,
    ),
    ({"dtype": "BF16"}, cast(torch.bfloat16)),
    ({"dtype": "F16"}, cast(torch.float16)),
    ({"dtype": "F32"}, cast(torch.float32)),
]


@pytest.mark.parametrize(
    ("fields", "choose"), SELECTIONS, ids=[str(fields)[:40] for fields, _ in SELECTIONS]
)
@in_loop
async def test_what_arrives_is_what_safetensors_would_write(tmp_path, fields, choose):
    async with service(tmp_path) as blobs:
        *chunks, last = await blobs.read(**fields)

    chosen = {name: choose(name, tensor) for name, tensor in whole_state().items()}
    expected = saved({n: t.contiguous() for n, t in chosen.items() if t is not None}, tmp_path)
    assert data_of(chunks) == expected
    assert chunks[0].file.size_bytes == len(expected)
    assert last.digest == f"sha256:{hashlib.sha256(expected).hexdigest()}"
    assert last.end.reason == StreamEnd.REASON_COMPLETED


@in_loop
async def test_roles_are_each_others_complement(tmp_path):
    roles = [layout_pb2.ROLE_BACKBONE, layout_pb2.ROLE_HEAD, layout_pb2.ROLE_AUX]
    async with service(tmp_path) as blobs:
        parts = [load(data_of(await blobs.read(role=role))) for role in roles]

    names = [name for part in parts for name in part]
    assert sorted(names) == sorted(whole_state())
    joined = {name: tensor for part in parts for name, tensor in part.items()}
    assert all(torch.equal(joined[name], tensor) for name, tensor in whole_state().items())


@in_loop
async def test_a_blob_is_read_under_its_own_names(tmp_path):
    async with service(tmp_path) as blobs:
        messages = await blobs.read(name=blobs.rest_blob, tensors=["fc.*"])

    assert data_of(messages) == saved(
        {name: tensor for name, tensor in REST.items() if name != "aux.weight"}, tmp_path
    )


@in_loop
async def test_the_header_alone_has_all_names(tmp_path):
    async with service(tmp_path) as blobs:
        messages = await blobs.read(header_only=True)
        whole = data_of(await blobs.read())

    header = data_of(messages)
    assert whole.startswith(header)
    assert set(json.loads(header[8:])) == {"__metadata__", *whole_state()}
    assert messages[0].file.num_tensors == len(whole_state())


@in_loop
async def test_every_chunk_says_where_it_belongs_and_equals_protobufs_encoding(tmp_path):
    async with service(tmp_path) as blobs:
        method = "/vertebra.blob.v1.BlobService/ReadTensors"
        async with grpc.aio.insecure_channel(blobs.server.address) as channel:
            request = pb.ReadTensorsRequest(name=NAME, chunk_bytes=70_000).SerializeToString()
            raw = [message async for message in channel.unary_stream(method)(request)]

    messages = [pb.ReadTensorsResponse.FromString(one) for one in raw]
    assert [m.SerializeToString() for m in messages] == raw
    position = 0
    for message in messages[:-1]:
        assert message.offset == position
        assert message.crc32c == google_crc32c.value(message.data)
        position += len(message.data)
    assert [m.HasField("file") for m in messages] == [True, *[False] * (len(raw) - 1)]
    assert messages[-1].end.resume_after == position == messages[0].file.size_bytes


@pytest.mark.parametrize("dtype", ["", "BF16"])
@in_loop
async def test_a_read_resumed_anywhere_is_the_same_file(tmp_path, dtype):
    """Also in the middle of a number that is cast."""
    async with service(tmp_path) as blobs:
        whole = await blobs.read(dtype=dtype)
        data = data_of(whole)
        header = int.from_bytes(data[:8], "little") + 8
        cuts = [0, 1, 8, header - 1, header, header + 1, len(data) - 1, len(data)]
        for cut in [*cuts, *(random.randrange(len(data)) for _ in range(20))]:
            rest = await blobs.read(dtype=dtype, offset=cut, chunk_bytes=random.choice([0, 65_537]))

            assert data_of(rest) == data[cut:], f"cut at {cut}"
            assert rest[0].file == whole[0].file
            assert rest[-1].digest == whole[-1].digest


@in_loop
async def test_a_resumed_read_ends_with_the_digest_of_the_whole_file(tmp_path):
    """Nobody read it from its beginning since the server started."""
    async with service(tmp_path) as blobs:
        rest = await blobs.read(offset=400_000)
        whole = data_of(await blobs.read())

    assert rest[-1].digest == f"sha256:{hashlib.sha256(whole).hexdigest()}"


@in_loop
async def test_nothing_is_sent_of_what_the_caller_has(tmp_path):
    async with service(tmp_path) as blobs:
        etag = (await blobs.read(dtype="BF16", header_only=False))[0].file.etag
        again = await blobs.read(dtype="BF16", if_none_match=etag)
        other = await blobs.read(dtype="F16", if_none_match=etag)

    assert [m.file.is_not_modified for m in again] == [True]
    assert again[0].end.reason == StreamEnd.REASON_COMPLETED
    assert sum(m.ByteSize() for m in again) < 4096
    assert not other[0].file.is_not_modified and other[0].data


ALL_FIELDS = [
    {},
    {"dtype": "F16"},
    {"role": layout_pb2.ROLE_HEAD},
    {"header_only": True},
    {"tensors": ["backbone.conv1.weight"]},
]


@in_loop
async def test_another_content_has_another_etag_and_the_same_one_the_same(tmp_path):
    async with service(tmp_path) as blobs:
        first = [(await blobs.read(**fields))[0].file.etag for fields in ALL_FIELDS]
        again = [(await blobs.read(**fields))[0].file.etag for fields in ALL_FIELDS]
        named = await blobs.read(tensors=["fc.bias", "fc.weight", "fc.mask"])

    assert len(set(first)) == len(first) and first == again
    assert named[0].file.etag == first[2], "what was chosen counts, not how"


REFUSED = [
    ({"offset": -1}, "INVALID_ARGUMENT", "FIELD_INVALID", "offset: cannot be negative"),
    ({"chunk_bytes": -1}, "INVALID_ARGUMENT", "FIELD_INVALID", "chunk_bytes: cannot"),
    ({"dtype": "float16"}, "INVALID_ARGUMENT", "FIELD_INVALID", "F32, F16, BF16"),
    ({"role": 9}, "INVALID_ARGUMENT", "FIELD_INVALID", "no role has number 9"),
    ({"tensors": [""]}, "INVALID_ARGUMENT", "FIELD_INVALID", "empty name"),
    ({"name": "blobs/../etc"}, "INVALID_ARGUMENT", "FIELD_INVALID", "models/<id>"),
    (
        {"name": f"blobs/sha256:{'0' * 64}", "role": 1},
        *("INVALID_ARGUMENT", "FIELD_INVALID", "a blob alone has no roles"),
    ),
    ({"name": f"blobs/sha256:{'0' * 64}"}, "NOT_FOUND", "BLOB_NOT_FOUND", "no blob"),
    ({"name": f"models/{'0' * 64}"}, "NOT_FOUND", "MODEL_NOT_FOUND", "build it again"),
    (
        {"tensors": ["fc.wieght", "nothing.*"]},
        *("INVALID_ARGUMENT", "TENSOR_NOT_FOUND", "closest are fc.weight"),
    ),
    (
        {"tensors": ["fc.weight"], "role": layout_pb2.ROLE_BACKBONE},
        *("INVALID_ARGUMENT", "TENSOR_NOT_FOUND", "6 tensors of role backbone"),
    ),
    ({"offset": 1 << 40}, "OUT_OF_RANGE", "OFFSET_BEYOND_END", "beyond the end"),
    (
        {"tensors": [f"*a{n}*" for n in range(150_000)]},
        *("INVALID_ARGUMENT", "FIELD_INVALID", "150000 patterns"),
    ),
]


@pytest.mark.parametrize(("fields", "code", "reason", "words"), REFUSED, ids=lambda v: str(v)[:30])
@in_loop
async def test_a_read_that_makes_no_sense_is_refused(tmp_path, fields, code, reason, words):
    async with service(tmp_path) as blobs:
        refused = await failure(blobs.read(**fields))

    assert refused[:2] == (code, reason)
    assert words in refused[2]


@in_loop
async def test_numbers_of_eight_bits_are_not_cast_but_read(tmp_path):
    small = {"x": torch.zeros(4, dtype=torch.float8_e4m3fn)}
    async with service(tmp_path) as blobs:
        save_file(small, tmp_path / "small")
        name = blobs.store.adopt_file(tmp_path / "small").digest
        refused = await failure(blobs.read(name=name, dtype="F32"))
        read = await blobs.read(name=name)

    assert refused[:2] == ("INVALID_ARGUMENT", "FIELD_INVALID")
    assert data_of(read) == saved(small, tmp_path)


@in_loop
async def test_a_service_without_models_says_who_has_them(tmp_path):
    async with service(tmp_path, has_models=False) as blobs:
        refused = await failure(blobs.read())

    assert refused[:2] == ("NOT_FOUND", "MODEL_NOT_FOUND")
    assert "ask the catalog" in refused[2]


@in_loop
async def test_a_blob_that_is_no_safetensors_file_is_said_to_be_none(tmp_path):
    (tmp_path / "text").write_bytes(b"hello, world: no tensors in here")
    async with service(tmp_path) as blobs:
        name = blobs.store.adopt_file(tmp_path / "text").digest
        refused = await failure(blobs.read(name=name))

    assert refused[:2] == ("FAILED_PRECONDITION", "FILE_UNREADABLE")


@in_loop
async def test_a_changed_blob_is_not_sent(tmp_path):
    async with service(tmp_path) as blobs:
        path = blobs.store.path(blobs.rest_blob)
        path.chmod(0o600)
        path.write_bytes(path.read_bytes()[:-1] + b"x")

        assert (await failure(blobs.read()))[:2] == ("DATA_LOSS", "DIGEST_MISMATCH")


@in_loop
async def test_a_closing_server_ends_the_stream_with_the_offset_to_resume_from(tmp_path):
    async with service(tmp_path) as blobs:
        blobs.parts.drain.closing.set()
        *chunks, last = await blobs.read(chunk_bytes=70_000)

    assert last.end.reason == StreamEnd.REASON_DRAINING
    assert 0 < last.end.resume_after == len(data_of(chunks)) < chunks[0].file.size_bytes
    assert last.digest == ""


@in_loop
async def test_readers_that_take_nothing_leave_the_server_free_for_others(tmp_path):
    request = pb.ReadTensorsRequest(name=NAME, dtype="F32").SerializeToString()
    async with service(tmp_path) as blobs, stalled_reader(blobs.server.address) as attacker:
        for _ in range(20):
            attacker.call("/vertebra.blob.v1.BlobService/ReadTensors", request)
        await until(lambda: blobs.server.in_flight.num_calls == 20)

        messages = await asyncio.wait_for(blobs.read(), 60)

        assert messages[-1].end.reason == StreamEnd.REASON_COMPLETED
        blobs.parts.drain.signalled()
        blobs.parts.drain.signalled()
