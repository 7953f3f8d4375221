"""What a build gives: a file of its state, or the module itself; bytes only when asked for."""

import sys
from pathlib import Path

import pytest

from tests.fakes.fake_catalog import BACKBONE, HEAD, MODEL, WHOLE, FakeCatalog
from vertebra.built_state import ModelLibraryMissing
from vertebra.catalog_client import CatalogClient
from vertebra.client_errors import AnswerRefused, RpcFailed
from vertebra.model.v1 import layout_pb2
from vertebra.wire_json import FieldInvalid

SPEC = {"backbone": "resnet18"}


def hidden_files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.startswith(".")]


def test_nothing_is_read_before_it_is_asked_for(
    catalog: FakeCatalog, catalog_client: CatalogClient
) -> None:
    built = catalog_client.build(SPEC)

    assert built.model.name == MODEL
    assert catalog.blobs.offsets_asked == [] and catalog.blobs.tensors_asked == []


def test_what_is_saved_is_chosen_by_role_and_dtype(
    catalog: FakeCatalog, catalog_client: CatalogClient, tmp_path: Path
) -> None:
    path = catalog_client.build(SPEC).save(tmp_path / "head.safetensors", role="head", dtype="F16")

    assert path.read_bytes() == WHOLE
    (asked,) = catalog.blobs.tensors_asked
    assert (asked.name, asked.role, asked.dtype) == (MODEL, layout_pb2.ROLE_HEAD, "F16")
    assert hidden_files(tmp_path) == []


@pytest.mark.parametrize("breaks", [[0], [1], [2, 0, 1]])
def test_a_broken_save_goes_on_at_the_byte_where_it_broke(
    catalog: FakeCatalog, catalog_client: CatalogClient, tmp_path: Path, breaks: list[int]
) -> None:
    built = catalog_client.build(SPEC)
    catalog.blobs.breaks = breaks.copy()

    path = built.save(tmp_path / "state.safetensors")

    assert path.read_bytes() == WHOLE
    starts = [sum(breaks[:n]) * catalog.blobs.chunk_bytes for n in range(len(breaks) + 1)]
    assert [one.offset for one in catalog.blobs.tensors_asked] == starts


def test_a_later_save_of_the_same_goes_on_and_of_another_does_not(
    catalog: FakeCatalog, catalog_client: CatalogClient, tmp_path: Path
) -> None:
    built = catalog_client.build(SPEC)
    catalog.blobs.breaks = [2]
    catalog.blobs.break_code = type(catalog.blobs.break_code).INTERNAL
    with pytest.raises(RpcFailed):
        built.save(tmp_path / "state.safetensors")

    built.save(tmp_path / "state.safetensors", role="head")
    path = built.save(tmp_path / "state.safetensors")

    assert path.read_bytes() == WHOLE
    assert [one.offset for one in catalog.blobs.tensors_asked] == [0, 0, 2000]


def test_wrong_bytes_of_an_earlier_save_are_fetched_again(
    catalog: FakeCatalog, catalog_client: CatalogClient, tmp_path: Path
) -> None:
    built = catalog_client.build(SPEC)
    catalog.blobs.breaks = [2]
    catalog.blobs.break_code = type(catalog.blobs.break_code).INTERNAL
    with pytest.raises(RpcFailed):
        built.save(tmp_path / "state.safetensors")
    (part,) = hidden_files(tmp_path)
    part.write_bytes(b"?" * 2000)

    assert built.save(tmp_path / "state.safetensors").read_bytes() == WHOLE


@pytest.mark.parametrize(
    ("lie", "complaint"),
    [
        ("offset", "asked for offset 1000, got offset 0"),
        ("checksum", "do not match their checksum"),
        ("bytes", "has another sha256"),
        ("digest", "has another sha256"),
        ("more", "1 bytes more than asked for"),
        ("short", "called complete at"),
    ],
)
def test_a_lying_service_is_refused_and_the_target_stays(
    catalog: FakeCatalog, catalog_client: CatalogClient, tmp_path: Path, lie: str, complaint: str
) -> None:
    built = catalog_client.build(SPEC)
    (tmp_path / "state").write_text("before")
    catalog.blobs.lie = lie

    with pytest.raises(AnswerRefused, match=complaint):
        built.save(tmp_path / "state")

    assert (tmp_path / "state").read_text() == "before"


def test_another_file_after_a_break_is_refused(
    catalog: FakeCatalog, catalog_client: CatalogClient, tmp_path: Path
) -> None:
    built = catalog_client.build(SPEC)
    catalog.blobs.lie, catalog.blobs.breaks = "etag", [2]

    with pytest.raises(AnswerRefused, match="first number 1, now number 2"):
        built.save(tmp_path / "state")


def test_an_unknown_role_is_refused_before_any_call(
    catalog: FakeCatalog, catalog_client: CatalogClient, tmp_path: Path
) -> None:
    with pytest.raises(FieldInvalid, match="roles are backbone, neck, head, aux"):
        catalog_client.build(SPEC).save(tmp_path / "x", role="body")

    assert catalog.blobs.tensors_asked == []


def test_chosen_tensors_are_read_into_memory_and_known_ones_are_not_sent(
    catalog: FakeCatalog, catalog_client: CatalogClient
) -> None:
    catalog_client.build(SPEC)
    stream = catalog_client.blobs.read_tensors(MODEL, tensors=["fc*"])

    assert b"".join(stream) == WHOLE
    assert stream.file.size_bytes == len(WHOLE)
    again = catalog_client.blobs.read_tensors(
        MODEL, tensors=["fc*"], if_none_match=stream.file.etag
    )
    assert list(again) == [] and again.file.is_not_modified


def test_without_the_model_library_the_extra_is_named(
    catalog_client: CatalogClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in an environment that has the light client alone."""
    monkeypatch.delitem(sys.modules, "vertebra.built_module", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)

    with pytest.raises(ModelLibraryMissing, match=r"'vertebra\[catalog\]'"):
        catalog_client.build(SPEC).torch()


def served_files(catalog: FakeCatalog, folder: Path) -> dict[str, Path]:
    """Put the blobs where the service will say that they are."""
    catalog.blobs.local_folder = folder
    blobs = {name: catalog.blobs.keep(data) for name, data in (("b", BACKBONE), ("h", HEAD))}
    for name, data in (("b", BACKBONE), ("h", HEAD)):
        (folder / blobs[name].digest[7:]).write_bytes(data)
    return {name: folder / blob.digest[7:] for name, blob in blobs.items()}


def test_a_blob_on_this_host_is_its_own_file_and_nothing_is_sent(
    catalog: FakeCatalog, catalog_client: CatalogClient, tmp_path: Path
) -> None:
    files = served_files(catalog, tmp_path)
    name = f"sha256:{files['b'].name}"

    assert catalog_client.blobs.local_file(name) == files["b"]
    copy = catalog_client.blobs.download(name, tmp_path / "copy")

    assert copy.read_bytes() == BACKBONE
    assert catalog.blobs.offsets_asked == []


@pytest.mark.parametrize("what", ["absent", "cut", "folder"])
def test_a_path_that_is_not_the_blob_here_is_not_used(
    catalog: FakeCatalog, catalog_client: CatalogClient, tmp_path: Path, what: str
) -> None:
    """Another container's path, or a file that somebody cut."""
    (tmp_path / "store").mkdir()
    path = served_files(catalog, tmp_path / "store")["b"]
    name = f"sha256:{path.name}"
    path.unlink()
    if what == "cut":
        path.write_bytes(BACKBONE[:-1])
    if what == "folder":
        path.mkdir()

    assert catalog_client.blobs.local_file(name) is None
    assert catalog_client.blobs.download(name, tmp_path / "copy").read_bytes() == BACKBONE
    assert catalog.blobs.offsets_asked == [0]


def test_a_local_file_with_other_bytes_is_refused(
    catalog: FakeCatalog, catalog_client: CatalogClient, tmp_path: Path
) -> None:
    (tmp_path / "store").mkdir()
    path = served_files(catalog, tmp_path / "store")["b"]
    path.write_bytes(BACKBONE[:-1] + b"x")

    with pytest.raises(AnswerRefused, match="another sha256"):
        catalog_client.blobs.download(f"sha256:{path.name}", tmp_path / "copy")
