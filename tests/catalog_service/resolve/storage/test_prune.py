"""What can be had again goes, least recently used first, and no further than asked."""

import os
import signal
import subprocess
import sys
import threading
import uuid

import pytest

from catalog_service.blobs.census import StoredBlob
from catalog_service.blobs.upload_writer import Announced
from catalog_service.resolve.storage import PruneOrder
from catalog_service.resolve.storage.entry import LEASE_S
from tests.fakes.store_site import StoreSite, some_bytes

EVERYTHING = PruneOrder(target_bytes=0)


def digests(entries) -> list[str]:
    return [entry.blob.digest for entry in entries]


@pytest.fixture
def models(site: StoreSite) -> list[str]:
    """Five models of 1000 bytes, the first used longest ago."""
    return [site.model(str(n) * 64, some_bytes(n), used_ago_s=(10 - n) * 10_000) for n in range(5)]


def test_the_least_recently_used_go_until_the_rest_fits(site: StoreSite, models) -> None:
    pruned = site.pruning.prune(PruneOrder(target_bytes=2500))

    assert digests(pruned.removed) == models[:3]
    assert pruned.total_bytes == 2000
    assert pruned.kept == ()
    assert site.digests() == set(models[3:])


def test_a_store_that_fits_loses_nothing(site: StoreSite, models) -> None:
    assert site.pruning.prune(PruneOrder(target_bytes=5000)).removed == ()


def test_a_dry_run_says_the_same_and_removes_nothing(site: StoreSite, models) -> None:
    said = site.pruning.prune(PruneOrder(target_bytes=2500, dry_run=True))
    assert site.digests() == set(models)

    done = site.pruning.prune(PruneOrder(target_bytes=2500))

    assert digests(said.removed) == digests(done.removed)
    assert said.total_bytes == done.total_bytes


def test_what_may_not_go_is_counted(site: StoreSite, models) -> None:
    site.pins.pin(models[0], "job-1")
    checkpoint = site.checkpoint("letters", some_bytes(9))

    pruned = site.pruning.prune(EVERYTHING)

    assert set(digests(pruned.kept)) == {models[0], checkpoint}
    assert site.digests() == {models[0], checkpoint}
    assert pruned.total_bytes == 2000


def test_only_the_kinds_that_were_asked_for_go(site: StoreSite, models) -> None:
    weights = site.weights("torchvision/x", some_bytes(9))

    pruned = site.pruning.prune(PruneOrder(target_bytes=0, kinds=("weights",)))

    assert digests(pruned.removed) == [weights]
    assert site.digests() == set(models)


@pytest.mark.parametrize("change", ["pin", "use"])
def test_a_blob_that_is_wanted_between_choice_and_removal_stays(
    site: StoreSite, models, change: str
) -> None:
    asked = site.entries.is_wanted_now

    def wanted_meanwhile(blob: StoredBlob) -> bool:
        if change == "pin":
            site.pins.pin(models[0], "late")
            return asked(blob)
        return asked(
            StoredBlob(digest=blob.digest, size_bytes=blob.size_bytes, last_used_time=site.now)
        )

    site.entries.is_wanted_now = wanted_meanwhile  # type: ignore[method-assign]
    pruned = site.pruning.prune(PruneOrder(target_bytes=4000))

    assert pruned.removed == ()
    assert pruned.total_bytes == 5000
    assert site.store.verify(models[0])


def test_two_that_prune_at_once_remove_no_more_than_one(tmp_path) -> None:
    sites = [StoreSite(tmp_path / "store") for _ in range(2)]
    for n in range(40):
        sites[0].model(f"{n:064d}", some_bytes(n), used_ago_s=(1000 - n) * 1000)
    threads = [
        threading.Thread(target=one.pruning.prune, args=(PruneOrder(target_bytes=20_000),))
        for one in sites
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(sites[0].digests()) == 20


def test_the_quarantine_is_emptied_only_when_asked(site: StoreSite, models) -> None:
    site.store.quarantine(models[0], "test")

    assert site.pruning.prune(PruneOrder(target_bytes=9999)).quarantined_bytes == 0
    dry = site.pruning.prune(PruneOrder(target_bytes=9999, quarantine=True, dry_run=True))
    assert dry.quarantined_bytes == 1000
    assert len(list(site.store.quarantined.files())) == 1

    assert site.pruning.prune(PruneOrder(target_bytes=9999, quarantine=True)).quarantined_bytes
    assert list(site.store.quarantined.files()) == []


PRUNER = """
import os, signal, sys
from pathlib import Path
from tests.fakes.store_site import StoreSite
from catalog_service.resolve.storage import PruneOrder

root, name, nth = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
site, seen = StoreSite(root), 0
real = getattr(Path, name)

def dying(self, *arguments, **options):
    global seen
    if "trash" in str(self) or "trash" in str(arguments):
        seen += 1
        if seen == nth:
            os.kill(os.getpid(), signal.SIGKILL)
    return real(self, *arguments, **options)

setattr(Path, name, dying)
site.pruning.prune(PruneOrder(target_bytes=0))
"""


@pytest.mark.parametrize(("step", "nth"), [("rename", 3), ("unlink", 1)])
def test_a_crash_during_eviction_leaves_every_blob_whole_or_gone(
    site: StoreSite, models, step: str, nth: int
) -> None:
    site.pins.pin(models[4], "job-1")
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}  # noqa: PTH109
    ended = subprocess.run(
        [sys.executable, "-c", PRUNER, str(site.store.root), step, str(nth)],
        env=environment,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL

    site.pruning._removal.sweep(
        lambda blob: bool(site.entries.of(blob).kept_because), older_than_s=-1
    )

    left = site.digests()
    assert models[4] in left
    assert set(models[nth:]) <= left <= set(models[nth - 1 :])
    assert all(site.store.verify(digest) for digest in left)
    assert not any((site.store.root / "trash").iterdir())


def test_a_leased_blob_goes_when_its_lease_is_over(site: StoreSite) -> None:
    digest = site.model("a" * 64, some_bytes(1), used_ago_s=0)
    assert site.pruning.prune(EVERYTHING).removed == ()

    site.now += LEASE_S + 1

    assert digests(site.pruning.prune(EVERYTHING).removed) == [digest]


@pytest.mark.parametrize(
    ("order", "is_kept"),
    [
        (EVERYTHING, False),
        (PruneOrder(target_bytes=0, dry_run=True), True),
        (PruneOrder(target_bytes=1), True),
        (PruneOrder(target_bytes=0, kinds=("weights",)), True),
    ],
)
def test_an_upload_that_stands_still_goes_with_everything_else(
    site: StoreSite, order: PruneOrder, is_kept: bool
) -> None:
    """Otherwise a broken upload would hold a full disk for a day."""
    old, young = (str(uuid.uuid4()) for _ in range(2))
    for upload in (old, young):
        writer = site.uploads.open(upload, Announced())
        writer.write(b"some bytes")
        writer.leave()
    for path in site.store.root.glob(f"uploads/{old}.*"):
        os.utime(path, (0, 0))

    site.pruning.prune(order)

    left = {path.stem for path in site.store.root.glob("uploads/*.part")}
    assert left == ({old, young} if is_kept else {young})
