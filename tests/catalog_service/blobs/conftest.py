"""A store on a real disk, and bytes whose digest is known."""

import hashlib
from pathlib import Path

import pytest

from catalog_service.blobs.store import BlobStore


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "store")


@pytest.fixture
def data() -> bytes:
    return bytes(range(256)) * 20_000


@pytest.fixture
def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
