"""A blob is listed with what it is for, when it was used, and why it stays."""

import pytest

from catalog_service.resolve.storage import PruneOrder
from catalog_service.resolve.storage.entry import LEASE_S, UPLOAD_KEPT_S
from tests.fakes.store_site import LONG_AGO_S, NOW, StoreSite, some_bytes


def test_a_blob_is_called_after_what_it_is_for(site: StoreSite) -> None:
    digests = {
        "weights": site.weights("torchvision/x", some_bytes(1)),
        "model": site.model("a" * 64, some_bytes(2)),
        "checkpoint": site.checkpoint("letters", some_bytes(3)),
        "upload": site.blob(some_bytes(4)),
    }

    assert {kind: site.entry(digest).kind for kind, digest in digests.items()} == {
        kind: kind for kind in digests
    }
    assert site.entry(digests["weights"]).used_by == ("torchvision/x",)
    assert site.entry(digests["model"]).used_by == (f"models/{'a' * 64}",)
    assert site.entry(digests["checkpoint"]).used_by == ("checkpoints/letters",)


def test_of_several_uses_the_one_that_is_hardest_to_replace_counts(site: StoreSite) -> None:
    site.model("a" * 64, some_bytes(1))
    site.weights("torchvision/x", some_bytes(1))
    digest = site.checkpoint("letters", some_bytes(1))

    entry = site.entry(digest)

    assert entry.kind == "checkpoint"
    assert entry.used_by == ("checkpoints/letters", f"models/{'a' * 64}", "torchvision/x")
    assert entry.kept_because == "the only copy of checkpoints/letters"


def test_times_are_those_of_arrival_and_last_use(site: StoreSite) -> None:
    digest = site.blob(some_bytes(1), used_ago_s=5000)
    assert site.entry(digest).create_time is None

    site.upkeep.once()

    assert site.entry(digest).create_time == NOW
    assert site.entry(digest).last_used_time == NOW - 5000


@pytest.mark.parametrize(("ago_s", "is_leased"), [(LEASE_S - 1, True), (LEASE_S + 1, False)])
def test_what_was_used_moments_ago_stays(site: StoreSite, ago_s: float, is_leased: bool) -> None:
    digest = site.model("a" * 64, some_bytes(1), used_ago_s=ago_s)

    entry = site.entry(digest)

    assert entry.is_leased is is_leased
    assert entry.kept_because == ("in use, or was moments ago" if is_leased else "")


def test_what_is_pinned_stays_until_the_last_owner_has_gone(site: StoreSite) -> None:
    digest = site.model("a" * 64, some_bytes(1))
    for owner in ("job-2", "job-1", "job-1"):
        site.pins.pin(digest, owner)
    assert site.entry(digest).kept_because == "pinned by job-1, job-2"

    site.pins.unpin(digest, "job-1")
    assert site.entry(digest).pins == ("job-2",)

    site.pins.unpin(digest, "job-2")
    assert site.entry(digest).kept_because == ""


def test_an_upload_stays_for_a_day_or_until_something_was_made_of_it(site: StoreSite) -> None:
    fresh = site.blob(some_bytes(1), used_ago_s=LEASE_S + 1)
    forgotten = site.blob(some_bytes(2), used_ago_s=UPLOAD_KEPT_S + 1)
    consumed = site.blob(some_bytes(3), used_ago_s=LEASE_S + 1)
    site.checkpoint("letters", some_bytes(4), source=consumed)

    assert "nothing was made of it yet" in site.entry(fresh).kept_because
    assert site.entry(forgotten).kept_because == ""
    assert site.entry(consumed).kept_because == ""


def test_weights_stay_where_they_could_not_be_had_again(tmp_path) -> None:
    site = StoreSite(tmp_path, is_offline=True)
    weights = site.weights("torchvision/x", some_bytes(1))
    model = site.model("a" * 64, some_bytes(2))

    by_itself = site.pruning.prune(PruneOrder(target_bytes=0))
    assert [entry.blob.digest for entry in by_itself.removed] == [model]

    asked_for = site.pruning.prune(PruneOrder(target_bytes=0, kinds=("weights",)))
    assert [entry.blob.digest for entry in asked_for.removed] == [weights]


def test_a_record_of_another_release_is_no_use(site: StoreSite) -> None:
    site.builds.put("a" * 64, {"backbone": 3, "parts": []})
    digest = site.blob(some_bytes(1), used_ago_s=LONG_AGO_S)

    assert site.entry(digest).kind == "upload"
