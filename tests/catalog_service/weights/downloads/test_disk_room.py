"""A refusal for want of room is one that its own numbers explain."""

from pathlib import Path

import pytest

from catalog_service.blobs.disk import DiskFull
from catalog_service.weights.downloads import disk_room
from catalog_service.weights.downloads.disk_room import SLACK_BYTES, ensure_room


def test_what_is_kept_free_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise 20 bytes would not fit where 25 are free."""
    monkeypatch.setattr(disk_room, "free_bytes", lambda _: SLACK_BYTES + 5)

    with pytest.raises(DiskFull) as caught:
        ensure_room(tmp_path, 20)

    assert f"{SLACK_BYTES + 5} are free, of which {SLACK_BYTES} stay" in caught.value.message
    assert "VERTEBRA_CATALOG_BLOBS" in caught.value.message


def test_room_beside_what_is_kept_free_is_enough(tmp_path: Path) -> None:
    ensure_room(tmp_path, 20)
