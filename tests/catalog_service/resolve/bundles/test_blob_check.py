"""Blobs of a bundle are other people's files, and are looked at where calls are answered."""

import json
from pathlib import Path

import pytest

from catalog_service.blobs.safetensors_file import SERVED_HEADER_BYTES
from catalog_service.blobs.state_digest import state_digest, tensor_digests
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.resolve.bundles.blob_check import misfit, other_backbone


def safetensors_file(path: Path, *, header_bytes: int) -> Path:
    """Write a sound file of one tensor whose header is so long."""
    header = {"weight": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}
    text = json.dumps(header).encode().ljust(header_bytes)
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(4))
    return path


@pytest.fixture
def long_header(tmp_path: Path) -> Path:
    return safetensors_file(tmp_path / "long", header_bytes=SERVED_HEADER_BYTES + 8)


def test_a_header_that_would_hold_up_others_is_not_parsed(long_header: Path) -> None:
    told = "no safetensors file"

    assert told in misfit(long_header, CatalogIndex.load().default_weight("resnet18"))
    assert told in other_backbone(long_header, state_digest(tensor_digests(long_header)))


def test_the_longest_header_is_parsed(tmp_path: Path) -> None:
    path = safetensors_file(tmp_path / "fits", header_bytes=SERVED_HEADER_BYTES)

    assert "is no resnet18" in misfit(path, CatalogIndex.load().default_weight("resnet18"))
    assert other_backbone(path, state_digest(tensor_digests(path))) == ""
