"""A bundle's blobs are compared with its manifest before they are sent, their sizes first."""

import hashlib
import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import grpc
import pytest

from vertebra.bundle_files import FolderFiles, manifest_of
from vertebra.bundle_import import ImportWatcher, import_bundle
from vertebra.bundle_layout import BundleBlob, blob_place
from vertebra.catalog.v1 import storage_service_pb2 as wire
from vertebra.catalog_client import CatalogClient
from vertebra.client_errors import RpcFailed

BLOB = b"numbers" * 1000


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    digest = f"sha256:{hashlib.sha256(BLOB).hexdigest()}"
    entry = {"reference": "torchvision/A.V1", "blob_digest": digest, "size_bytes": len(BLOB)}
    manifest = {"format": "vertebra-bundle", "version": 1, "weights": [entry]}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / blob_place(digest)).parent.mkdir(parents=True)
    (tmp_path / blob_place(digest)).write_bytes(BLOB)
    return tmp_path


def catalog_that_lacks_all(sent: list[Path]) -> CatalogClient:
    def stat(digest: str) -> None:
        raise RpcFailed(grpc.StatusCode.NOT_FOUND, f"no {digest}", reason="BLOB_NOT_FOUND")

    blobs = SimpleNamespace(stat=stat, upload=lambda path, **_: sent.append(path))
    report = wire.ImportBundleResponse()
    catalog = SimpleNamespace(blobs=blobs, import_bundle=lambda _, **__: report)
    return cast(CatalogClient, catalog)


class NothingIsRead(ImportWatcher):
    """Fails at the first byte of a blob."""

    def reads(self, blob: BundleBlob, num_bytes: int) -> None:
        """See above."""
        raise AssertionError(f"{num_bytes} bytes of {blob.place} were read")


def test_a_whole_blob_is_sent(bundle: Path) -> None:
    sent: list[Path] = []
    files = FolderFiles(bundle)

    done = import_bundle(catalog_that_lacks_all(sent), files, manifest_of(files), ImportWatcher())

    assert [path.read_bytes() for path in sent] == [BLOB]
    assert done.defects == ()


def test_a_blob_of_another_size_is_named_and_not_read(bundle: Path) -> None:
    """A terabyte of nothing takes no room in a bundle, and an hour to hash."""
    sent: list[Path] = []
    files = FolderFiles(bundle)
    (blob,) = manifest_of(files).blobs
    os.truncate(bundle / blob.place, 1 << 40)

    done = import_bundle(catalog_that_lacks_all(sent), files, manifest_of(files), NothingIsRead())

    assert sent == []
    (defect,) = done.defects
    assert defect.text == f"has {1 << 40} bytes, not {len(BLOB)}"
