"""Names of blobs, weights and checkpoints; pins are all or nothing."""

import pytest

from catalog_service.blobs.store import BlobNotFound
from catalog_service.checkpoints.checkpoint import CheckpointNotFound
from catalog_service.errors import InvalidRequest
from catalog_service.resolve.storage import PruneOrder
from tests.fakes.store_site import Row, StoreSite, some_bytes


def test_a_blob_is_pinned_by_any_of_its_names(site: StoreSite) -> None:
    digest = site.weights("torchvision/x", some_bytes(1))
    names = ("torchvision/x", digest, f"blobs/{digest}")

    for number, name in enumerate(names):
        (entry,) = site.storage.pin([name], f"owner-{number}", unpin=False)
        assert entry.blob.digest == digest

    assert entry.pins == ("owner-0", "owner-1", "owner-2")
    (entry,) = site.storage.pin(names, "owner-1", unpin=True)
    assert entry.pins == ("owner-0", "owner-2")


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("torchvision/absent", BlobNotFound),
        ("checkpoints/absent", CheckpointNotFound),
        (f"blobs/sha256:{'0' * 64}", BlobNotFound),
    ],
)
def test_with_one_unknown_name_nothing_is_pinned(site: StoreSite, name: str, error: type) -> None:
    digest = site.weights("torchvision/x", some_bytes(1))

    with pytest.raises(error):
        site.storage.pin(["torchvision/x", name], "me", unpin=False)

    assert site.entry(digest).pins == ()


def test_a_checkpoint_without_bytes_is_no_blob(site: StoreSite) -> None:
    site.checkpoints.append(Row(name="checkpoints/lost", blob_digest=""))

    with pytest.raises(BlobNotFound, match="listed without bytes"):
        site.storage.pin(["checkpoints/lost"], "me", unpin=False)


def test_every_malformed_name_is_told_at_once(site: StoreSite) -> None:
    with pytest.raises(InvalidRequest) as caught:
        site.storage.pin(["blobs/x", "torchvision/x", "sha256:1"][::2], "me", unpin=False)

    assert [each.field for each in caught.value.violations] == ["names[0]", "names[1]"]


def test_a_blob_that_went_can_still_be_unpinned(site: StoreSite) -> None:
    digest = site.blob(some_bytes(1))
    site.storage.pin([digest], "me", unpin=False)
    site.store.quarantine(digest, "test")

    assert site.storage.pin([digest], "me", unpin=True) == []
    assert site.pins.all() == {}


def test_a_blob_that_is_evicted_while_it_is_pinned_is_not_found_and_not_pinned(
    site: StoreSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = site.blob(some_bytes(1))
    real = site.pins.pin

    def pin(pinned: str, owner: str) -> None:
        real(pinned, owner)
        site.store.path(digest).unlink()

    monkeypatch.setattr(site.pins, "pin", pin)

    with pytest.raises(BlobNotFound):
        site.storage.pin([digest], "me", unpin=False)
    assert site.pins.all() == {}


def test_without_a_target_the_budget_is_the_target(tmp_path) -> None:
    order = PruneOrder(target_bytes=None)
    site = StoreSite(tmp_path, budget_bytes=1500)
    for n in range(3):
        site.model(str(n) * 64, some_bytes(n))

    assert len(site.storage.prune(order).removed) == 2
    assert StoreSite(tmp_path).storage.prune(order).removed == ()


def test_the_state_of_a_store_counts_its_quarantine(site: StoreSite) -> None:
    site.store.quarantine(site.blob(some_bytes(1)), "test")

    state = site.storage.state()

    assert (state.num_quarantined, state.quarantined_bytes) == (1, 1000)
    assert state.free_bytes > 0
    assert not state.is_read_only
