"""A check finds a one-bit flip with no network, and says what to do."""

import pytest

from catalog_service.resolve.storage import Checked, CorruptBlob, VerifyProgress
from catalog_service.resolve.storage import verify as module
from tests.fakes.store_site import NOW, StoreSite, flip_a_bit, some_bytes


def checked(site: StoreSite, names=()) -> list:
    return list(site.storage.check(site.storage.chosen(names)))


def test_a_sound_store_is_verified(site: StoreSite) -> None:
    digests = [site.blob(some_bytes(n)) for n in range(3)]

    *_, last_progress, summary = checked(site)

    assert summary == Checked(num_verified=3, bytes_verified=3000, num_corrupt=0)
    assert last_progress == VerifyProgress(
        num_done=3, num_total=3, bytes_done=3000, bytes_total=3000
    )
    assert all(site.entry(digest).last_verified_time == NOW for digest in digests)


@pytest.mark.parametrize("position", [0, 1, 499, 999])
def test_one_flipped_bit_is_found_behind_the_file_systems_back(
    site: StoreSite, position: int
) -> None:
    """Size and times are as they were: the cheap look sees nothing."""
    good, bad = site.blob(some_bytes(1)), site.weights("torchvision/x", some_bytes(2))
    path = site.store.path(bad)
    flip_a_bit(path, position)
    site.store.ensure_intact(bad)

    events = checked(site)

    (corrupt,) = [event for event in events if isinstance(event, CorruptBlob)]
    assert corrupt.entry.blob.digest == bad
    assert corrupt.quarantined
    assert corrupt.found_digest not in ("", bad)
    assert "torchvision/x" in corrupt.text
    assert "EnsureWeights brings it again" in corrupt.text
    assert events[-1] == Checked(num_verified=1, bytes_verified=1000, num_corrupt=1)
    assert site.digests() == {good}
    assert [size for _, size in site.store.quarantined.files()] == [1000]
    assert site.entry(good).last_verified_time == NOW


def test_only_what_is_named_is_read(site: StoreSite) -> None:
    weights = site.weights("torchvision/x", some_bytes(1))
    checkpoint = site.checkpoint("letters", some_bytes(2))
    other = site.blob(some_bytes(3))

    events = checked(site, ["torchvision/x", "checkpoints/letters", f"blobs/{checkpoint}"])

    assert events[-1] == Checked(num_verified=2, bytes_verified=2000, num_corrupt=0)
    assert site.entry(weights).last_verified_time == NOW
    assert site.entry(other).last_verified_time is None


def test_a_check_is_no_use(site: StoreSite) -> None:
    digest = site.blob(some_bytes(1))
    before = site.entry(digest).last_used_time

    checked(site)

    assert site.entry(digest).last_used_time == before


def test_a_blob_that_is_evicted_meanwhile_is_passed_over(site: StoreSite) -> None:
    digests = [site.blob(some_bytes(n)) for n in range(2)]
    entries = site.storage.chosen([])
    site.store.path(digests[0]).unlink()

    *_, summary = site.storage.check(entries)

    assert summary == Checked(num_verified=1, bytes_verified=1000, num_corrupt=0)


def test_a_large_blob_is_reported_piece_by_piece(
    site: StoreSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PIECE_BYTES", 300)
    site.blob(some_bytes(1))

    progress = [e.bytes_done for e in checked(site) if isinstance(e, VerifyProgress)]

    assert progress == [0, 300, 600, 900, 1000, 1000]


def test_a_blob_that_cannot_be_read_is_bad(site: StoreSite, monkeypatch) -> None:
    site.blob(some_bytes(1))

    def broken(*_: object):
        raise OSError(5, "Input/output error")
        yield 0

    monkeypatch.setattr(module, "_hashing", broken)

    (corrupt,) = [event for event in checked(site) if isinstance(event, CorruptBlob)]
    assert corrupt.found_digest == ""
    assert "cannot be read" in corrupt.text
