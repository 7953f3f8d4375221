"""Bytes arrive whole, in order and verified, or not at all."""

import hashlib
import os
from pathlib import Path

import grpc
import pytest

from tests.fakes.fake_catalog import FakeCatalog
from tests.robustness.counting import Counted
from vertebra.blob_upload import FileToSend
from vertebra.catalog_client import CatalogClient
from vertebra.client_errors import AnswerRefused, RpcFailed

DATA = bytes(range(256)) * 40
"""Eleven chunks of a thousand bytes, the last one short."""


def part_files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.endswith(".part")]


def test_a_blob_arrives_whole(
    catalog: FakeCatalog, catalog_client: CatalogClient, tmp_path: Path
) -> None:
    blob = catalog.blobs.keep(DATA)

    path = catalog_client.blobs.download(blob.name, tmp_path / "deep" / "weights.bin")

    assert path.read_bytes() == DATA
    assert [one.name for one in path.parent.iterdir()] == ["weights.bin"]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (grpc.StatusCode.UNAVAILABLE, "connection reset"),
        (grpc.StatusCode.INTERNAL, "Stream removed (RST_STREAM with error code 2)"),
        (grpc.StatusCode.CANCELLED, "too many pending requests"),
    ],
)
def test_a_broken_stream_is_resumed_at_the_byte_that_was_written(
    catalog: FakeCatalog,
    catalog_client: CatalogClient,
    tmp_path: Path,
    code: grpc.StatusCode,
    message: str,
) -> None:
    blob = catalog.blobs.keep(DATA)
    catalog.blobs.breaks, catalog.blobs.break_code = [3, 0, 4], code
    catalog.blobs.break_message = message

    path = catalog_client.blobs.download(blob.digest, tmp_path / "weights.bin")

    assert path.read_bytes() == DATA
    assert catalog.blobs.offsets_asked == [0, 3000, 3000, 7000]


def test_an_internal_error_that_is_no_broken_stream_is_not_repeated(
    catalog: FakeCatalog, catalog_client: CatalogClient, tmp_path: Path
) -> None:
    blob = catalog.blobs.keep(DATA)
    catalog.blobs.breaks = [3]
    catalog.blobs.break_code, catalog.blobs.break_message = grpc.StatusCode.INTERNAL, "a bug"

    with pytest.raises(RpcFailed, match="a bug"):
        catalog_client.blobs.download(blob.name, tmp_path / "weights.bin")

    assert catalog.blobs.offsets_asked == [0]


def test_the_next_download_goes_on_where_the_last_process_stopped(
    catalog: FakeCatalog, catalog_client: CatalogClient, tmp_path: Path
) -> None:
    blob = catalog.blobs.keep(DATA)
    catalog.blobs.breaks, catalog.blobs.break_code = [3], grpc.StatusCode.INTERNAL
    with pytest.raises(RpcFailed):
        catalog_client.blobs.download(blob.name, tmp_path / "weights.bin")
    assert not (tmp_path / "weights.bin").exists()

    catalog_client.blobs.download(blob.name, tmp_path / "weights.bin")

    assert (tmp_path / "weights.bin").read_bytes() == DATA
    assert catalog.blobs.offsets_asked == [0, 3000]


@pytest.mark.parametrize("left", [b"garbage" * 100, DATA + b"too long"])
def test_wrong_bytes_of_an_earlier_download_are_fetched_again(
    catalog: FakeCatalog, catalog_client: CatalogClient, tmp_path: Path, left: bytes
) -> None:
    blob = catalog.blobs.keep(DATA)
    name = f".weights.bin.{blob.digest[7:23]}.part"
    (tmp_path / name).write_bytes(left)

    path = catalog_client.blobs.download(blob.name, tmp_path / "weights.bin")

    assert path.read_bytes() == DATA
    assert catalog.blobs.offsets_asked[-1] == 0


@pytest.mark.parametrize(
    ("lie", "complaint"),
    [
        ("offset", "asked for offset 1000, got offset 0"),
        ("checksum", "do not match their checksum"),
        ("bytes", "has another sha256"),
        ("digest", "asked for sha256:.*, got sha256:0000"),
        ("more", "bytes more than asked for"),
        ("short", "called complete at 10239 of 10240 bytes"),
    ],
)
def test_a_lying_server_is_refused_and_the_target_stays(
    catalog: FakeCatalog,
    catalog_client: CatalogClient,
    tmp_path: Path,
    lie: str,
    complaint: str,
    counted: Counted,
) -> None:
    blob = catalog.blobs.keep(DATA)
    (tmp_path / "weights.bin").write_bytes(b"what was here before")
    catalog.blobs.lie = lie

    with pytest.raises(AnswerRefused, match=complaint):
        catalog_client.blobs.download(blob.name, tmp_path / "weights.bin")

    assert (tmp_path / "weights.bin").read_bytes() == b"what was here before"
    counted(lies=1, believed=0)


def test_wrong_bytes_with_right_checksums_leave_nothing_behind(
    catalog: FakeCatalog, catalog_client: CatalogClient, tmp_path: Path
) -> None:
    blob = catalog.blobs.keep(DATA)
    catalog.blobs.lie = "bytes"

    with pytest.raises(AnswerRefused, match="has another sha256"):
        catalog_client.blobs.download(blob.name, tmp_path / "weights.bin")

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_the_blob_already_is_not_fetched(
    catalog: FakeCatalog, catalog_client: CatalogClient, tmp_path: Path
) -> None:
    blob = catalog.blobs.keep(DATA)
    (tmp_path / "weights.bin").write_bytes(DATA)

    catalog_client.blobs.download(blob.name, tmp_path / "weights.bin")

    assert catalog.blobs.offsets_asked == []


def test_an_empty_blob_is_a_blob(
    catalog: FakeCatalog, catalog_client: CatalogClient, tmp_path: Path
) -> None:
    blob = catalog.blobs.keep(b"")

    path = catalog_client.blobs.download(blob.name, tmp_path / "empty")

    assert path.read_bytes() == b""


def test_a_range_is_read_and_resumed(catalog: FakeCatalog, catalog_client: CatalogClient) -> None:
    blob = catalog.blobs.keep(DATA)
    catalog.blobs.breaks = [2]

    data = b"".join(catalog_client.blobs.read(blob.name, offset=500, limit=4200))

    assert data == DATA[500:4700]
    assert catalog.blobs.offsets_asked == [500, 2500]


def test_a_service_that_never_brings_more_is_given_up(
    catalog: FakeCatalog, catalog_client: CatalogClient
) -> None:
    blob = catalog.blobs.keep(DATA)
    catalog.blobs.breaks = [1] + [0] * 10_000

    with pytest.raises(RpcFailed, match="connection reset"):
        list(catalog_client.blobs.read(blob.name))

    assert len(catalog.blobs.offsets_asked) > 10


def test_a_missing_blob_is_said_in_one_sentence(
    catalog_client: CatalogClient, tmp_path: Path
) -> None:
    name = "blobs/sha256:" + "a" * 64

    with pytest.raises(RpcFailed) as caught:
        catalog_client.blobs.download(name, tmp_path / "x")

    assert caught.value.code is grpc.StatusCode.NOT_FOUND
    assert caught.value.reason == "BLOB_NOT_FOUND"
    assert str(caught.value) == f"no blob sha256:{'a' * 64} here"


@pytest.mark.parametrize("name", ["resnet18", "sha256:abc", "blobs/sha256:" + "G" * 64, "a" * 64])
def test_what_is_no_digest_is_refused_before_any_call(
    catalog_client: CatalogClient, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ValueError, match="is not a blob"):
        catalog_client.blobs.download(name, tmp_path / "x")


def test_an_upload_arrives_and_is_not_sent_twice(
    catalog: FakeCatalog, catalog_client: CatalogClient, tmp_path: Path
) -> None:
    path = tmp_path / "backbone.ckpt"
    path.write_bytes(os.urandom(700_000))

    blob = catalog_client.blobs.upload(path)
    again = catalog_client.blobs.upload(path)

    assert catalog.blobs.blobs[blob.digest] == path.read_bytes()
    assert again == blob
    assert catalog.blobs.num_writes == 1


LARGE = os.urandom(700_000)


def test_a_broken_upload_goes_on_where_it_stopped(
    catalog: FakeCatalog, catalog_client: CatalogClient, tmp_path: Path
) -> None:
    path = tmp_path / "backbone.ckpt"
    path.write_bytes(LARGE)
    catalog.blobs.write_breaks = 2

    blob = catalog_client.blobs.upload(path)

    assert catalog.blobs.blobs[blob.digest] == LARGE
    assert catalog.blobs.num_writes == 3
    assert catalog.blobs.num_written_bytes == len(LARGE), "nothing was sent twice"


def test_an_upload_waits_for_its_own_broken_call_to_be_missed(
    catalog: FakeCatalog, catalog_client: CatalogClient, tmp_path: Path
) -> None:
    path = tmp_path / "backbone.ckpt"
    path.write_bytes(LARGE)
    catalog.blobs.write_breaks, catalog.blobs.num_held = 1, 2

    blob = catalog_client.blobs.upload(path)

    assert catalog.blobs.blobs[blob.digest] == LARGE
    assert catalog.blobs.num_written_bytes == len(LARGE), "nothing was sent twice"


def test_the_next_process_goes_on_with_an_upload(
    catalog: FakeCatalog, catalog_client: CatalogClient, tmp_path: Path
) -> None:
    path = tmp_path / "backbone.ckpt"
    path.write_bytes(LARGE)
    upload_id = FileToSend.of(path, f"sha256:{hashlib.sha256(LARGE).hexdigest()}").upload_id
    catalog.blobs.uploads[upload_id] = LARGE[:600_000]

    blob = catalog_client.blobs.upload(path)

    assert catalog.blobs.blobs[blob.digest] == LARGE
    assert catalog.blobs.num_written_bytes == 100_000


def test_wrong_bytes_of_an_earlier_upload_are_sent_again(
    catalog: FakeCatalog, catalog_client: CatalogClient, tmp_path: Path
) -> None:
    path = tmp_path / "backbone.ckpt"
    path.write_bytes(LARGE)
    upload_id = FileToSend.of(path, f"sha256:{hashlib.sha256(LARGE).hexdigest()}").upload_id
    catalog.blobs.uploads[upload_id] = b"x" * 600_000

    blob = catalog_client.blobs.upload(path)

    assert catalog.blobs.blobs[blob.digest] == LARGE
    assert catalog.blobs.num_written_bytes == 100_000 + len(LARGE)


def test_an_upload_that_another_one_is_sending_is_sent_beside_it(
    catalog: FakeCatalog, catalog_client: CatalogClient, tmp_path: Path
) -> None:
    path = tmp_path / "backbone.ckpt"
    path.write_bytes(LARGE)
    digest = f"sha256:{hashlib.sha256(LARGE).hexdigest()}"
    catalog.blobs.uploads_in_use.add(FileToSend.of(path, digest).upload_id)

    assert catalog_client.blobs.upload(path).digest == digest


def test_an_upload_that_never_gets_further_is_given_up(
    catalog: FakeCatalog, catalog_client: CatalogClient, tmp_path: Path
) -> None:
    path = tmp_path / "backbone.ckpt"
    path.write_bytes(LARGE[:10])
    catalog.blobs.write_breaks = 10**9
    catalog.blobs.uploads = _Forgetful()

    with pytest.raises(RpcFailed, match="RST_STREAM"):
        catalog_client.blobs.upload(path)


class _Forgetful(dict[str, bytes]):
    """Keeps nothing."""

    def __setitem__(self, key: str, value: bytes) -> None:
        pass


def test_a_server_that_stored_something_else_is_refused(
    catalog: FakeCatalog, catalog_client: CatalogClient, tmp_path: Path
) -> None:
    path = tmp_path / "backbone.ckpt"
    path.write_bytes(DATA)
    catalog.blobs.lie = "digest"

    with pytest.raises(AnswerRefused, match="says it stored"):
        catalog_client.blobs.upload(path)
