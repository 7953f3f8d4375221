"""The budget holds by itself, and what is wanted is never evicted, whatever people do."""

import random
import threading
import time
from collections.abc import Callable

import pytest

from catalog_service.blobs.disk import CacheReadOnly
from catalog_service.errors import NotFound
from catalog_service.resolve.storage.entry import LEASE_S
from tests.fakes.store_site import StoreSite, some_bytes

BUDGET = 20_000


class Workload:
    """People who store, use, pin and unpin at random; remembers what must not be evicted."""

    def __init__(self, site: StoreSite, seed: int) -> None:
        self.site = site
        self.random = random.Random(seed)
        self.known: list[str] = []
        self.used: dict[str, float] = {}
        self.num_evicted = 0

    def step(self) -> None:
        """Do one thing, let time pass, and have the upkeep look."""
        acts = (self.store, self.use, self.pin, self.unpin, self.verify)
        self.random.choices(acts, weights=(60, 15, 10, 10, 5))[0]()
        self.site.now += self.random.expovariate(1 / 200)
        before = self.site.digests()
        self.site.upkeep.once()
        self.check(before - self.site.digests())

    def store(self) -> None:
        number = self.random.randrange(60)
        data = some_bytes(number, 200 + 37 * number)
        act = self.random.choice((self.site.model, self.site.weights))
        digest = act(f"{number:064d}", data, used_ago_s=0)
        self.known.append(digest)
        self.used[digest] = self.site.now

    def use(self) -> None:
        digest = self.any()
        if digest:
            self.site.use(digest)
            self.used[digest] = self.site.now

    def pin(self) -> None:
        digest = self.any()
        if digest and len(self.site.pins.all()) < 4:
            self.site.storage.pin([digest], f"owner-{self.random.randrange(3)}", unpin=False)

    def unpin(self) -> None:
        for digest, owners in self.site.pins.all().items():
            self.site.storage.pin([digest], owners[0], unpin=True)
            return

    def verify(self) -> None:
        events = list(self.site.storage.check(self.site.storage.chosen([])))
        assert events[-1].num_corrupt == 0

    def any(self) -> str:
        here = sorted(self.site.digests())
        return self.random.choice(here) if here else ""

    def check(self, evicted: set[str]) -> None:
        self.num_evicted += len(evicted)
        assert not evicted & self.site.pins.all().keys()
        for digest in evicted:
            assert self.site.now - self.used[digest] >= LEASE_S
        entries = self.site.entries.all()
        if sum(entry.blob.size_bytes for entry in entries) > BUDGET:
            assert all(entry.kept_because for entry in entries)


@pytest.mark.parametrize(
    ("seed", "num_steps"),
    [(0, 80), *(pytest.param(n, 1000, marks=pytest.mark.full) for n in (1, 2))],
)
def test_a_random_workload_keeps_the_budget_and_what_is_wanted(
    tmp_path, seed: int, num_steps: int
) -> None:
    work = Workload(StoreSite(tmp_path, budget_bytes=BUDGET), seed)

    for _ in range(num_steps):
        work.step()

    assert work.num_evicted > num_steps / 20


def test_without_a_budget_nothing_is_evicted(site: StoreSite) -> None:
    digest = site.model("a" * 64, some_bytes(1))

    assert site.upkeep.once()

    assert site.digests() == {digest}


def test_a_store_that_is_over_its_budget_for_leased_blobs_is_looked_at_again(tmp_path) -> None:
    site = StoreSite(tmp_path, budget_bytes=500)
    site.model("a" * 64, some_bytes(1), used_ago_s=0)

    assert not site.upkeep.once()
    site.now += LEASE_S + 1
    assert site.upkeep.once()

    assert site.digests() == set()


def test_the_thread_evicts_after_a_blob_came(tmp_path) -> None:
    site = StoreSite(tmp_path, budget_bytes=1500)
    for n in range(4):
        site.model(str(n) * 64, some_bytes(n))

    site.upkeep.start()
    assert _until(lambda: len(site.digests()) == 1)
    with site.store.open_writer() as writer:
        writer.write(some_bytes(9))
        digest = writer.commit().digest  # used now, which is long ago by the site's clock
    assert _until(lambda: site.store.find(digest) is None)
    site.upkeep.close()

    assert len(site.digests()) == 1


def test_people_who_pin_while_others_evict_never_lose_a_pinned_blob(tmp_path) -> None:
    """Several sites on one store are several processes."""
    stop = threading.Event()
    evictor = StoreSite(tmp_path, budget_bytes=1)
    lost: list[str] = []
    num_pinned = [0]

    def evict() -> None:
        while not stop.is_set():
            evictor.upkeep.once()

    def pin(number: int) -> None:
        site = StoreSite(tmp_path)
        for n in range(15):
            try:
                digest = site.model(f"{number}{n:063d}", some_bytes(100 * number + n))
                site.storage.pin([digest], f"owner-{number}", unpin=False)
            except (NotFound, FileNotFoundError):  # it went before anybody wanted it
                continue
            num_pinned[0] += 1
            time.sleep(0.005)
            if not _until(lambda: site.store.find(digest) is not None):  # noqa: B023
                lost.append(digest)
            site.storage.pin([digest], f"owner-{number}", unpin=True)

    threads = [threading.Thread(target=pin, args=(number,)) for number in range(1, 4)]
    background = threading.Thread(target=evict)
    background.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stop.set()
    background.join()

    assert lost == []
    assert num_pinned[0] > 0


def _until(is_so: Callable[[], bool]) -> bool:
    """Wait until something is so, such as a blob being back that was asked about in the trash."""
    deadline = time.monotonic() + 60
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def test_a_disk_that_refuses_ends_nothing(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = StoreSite(tmp_path, budget_bytes=1)
    errors = iter([OSError(5, "Input/output error"), CacheReadOnly("read-only")])

    def refuse() -> bool:
        raise next(errors)

    assert site.upkeep._careful(refuse) is False
    assert site.upkeep._careful(refuse) is True


def test_what_was_noted_about_blobs_that_went_is_forgotten_after_a_while(tmp_path) -> None:
    site = StoreSite(tmp_path, budget_bytes=1500)
    gone, kept = site.model("a" * 64, some_bytes(1)), site.weights("torchvision/x", some_bytes(2))
    site.use(kept)
    site.builds.put("b" * 64, {"backbone": kept, "head": gone})
    list(site.storage.check(site.storage.chosen([])))

    site.upkeep.once()

    assert site.digests() == {kept}
    assert site.builds.get("a" * 64) is None
    assert site.builds.get("b" * 64) is None
    assert site.conversions.get("torchvision/x torchvision/x.pth") is not None
    assert len(list((tmp_path / "records" / "arrivals").iterdir())) == 1
    assert len(list((tmp_path / "records" / "checks").iterdir())) == 1


def test_a_record_that_was_written_just_now_is_not_forgotten(tmp_path) -> None:
    """Its blob may be on its way; by the site's clock, which is as late as the record."""
    site = StoreSite(tmp_path, budget_bytes=1)
    site.now = time.time()
    site.model("a" * 64, some_bytes(1))

    site.upkeep.once()

    assert site.digests() == set()
    assert site.builds.get("a" * 64) is not None
