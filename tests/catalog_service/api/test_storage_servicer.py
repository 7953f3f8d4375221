"""StorageService over a real store: lists, checks with heartbeats and an end, prunes, pins."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from catalog_service.api.bundle_calls import BundleCalls
from catalog_service.api.storage_servicer import StorageServicer
from catalog_service.errors import Exhausted, InvalidRequest
from catalog_service.resolve.storage import Checked, Entry, Event, Storage, VerifyProgress
from catalog_service.serving.call import Context
from catalog_service.serving.drain import Drain
from tests.fakes.in_loop import in_loop
from tests.fakes.store_site import NOW, StoreSite, flip_a_bit, some_bytes
from vertebra.catalog.v1 import storage_service_pb2 as pb
from vertebra.model.v1.stream_pb2 import StreamEnd

NO_CONTEXT = cast(Context, None)
NO_BUNDLES = cast(BundleCalls, None)


@pytest.fixture
def site(tmp_path: Path) -> StoreSite:
    """A store with one blob of each kind, the upload used last."""
    site = StoreSite(tmp_path / "store", budget_bytes=3500)
    site.weights("torchvision/x", some_bytes(1), used_ago_s=400_000)
    site.model("a" * 64, some_bytes(2), used_ago_s=300_000)
    site.checkpoint("letters", some_bytes(3))
    site.blob(some_bytes(4), used_ago_s=0)
    return site


@pytest.fixture
def servicer(site: StoreSite) -> StorageServicer:
    return StorageServicer(site.storage, NO_BUNDLES, Drain())


async def listed(servicer: StorageServicer, **request: Any) -> pb.ListEntriesResponse:
    return await servicer.ListEntries(pb.ListEntriesRequest(**request), NO_CONTEXT)


async def checked(servicer: StorageServicer, *names: str) -> list[pb.VerifyCacheResponse]:
    stream = servicer.VerifyCache(pb.VerifyCacheRequest(names=names), NO_CONTEXT)
    return [message async for message in stream]


@in_loop
async def test_the_most_recently_used_comes_first(servicer: StorageServicer) -> None:
    page = await listed(servicer)

    assert [entry.kind for entry in page.entries] == [
        pb.ENTRY_KIND_UPLOAD,
        pb.ENTRY_KIND_MODEL,
        pb.ENTRY_KIND_WEIGHTS,
        pb.ENTRY_KIND_CHECKPOINT,
    ]
    assert (page.total_size, page.total_bytes, page.budget_bytes) == (4, 4000, 3500)
    assert page.entries[0].last_used_time.seconds == int(NOW)
    assert not page.entries[0].HasField("create_time")


@pytest.mark.parametrize(
    ("filter_text", "num_found"),
    [
        ("kind = model", 1),
        ('used_by : "torchvision/*"', 1),
        ("is_leased = true", 1),
        ("is_pinned = true", 0),
        ("size_bytes >= 1000", 4),
        ('last_used_time < "2033-05-17T00:00:00Z"', 3),
        ("kind != upload AND is_leased = false", 3),
    ],
)
@in_loop
async def test_entries_are_filtered_and_their_bytes_are_counted_over_all_pages(
    servicer: StorageServicer, filter_text: str, num_found: int
) -> None:
    page = await listed(servicer, filter=filter_text, page_size=1)

    assert (page.total_size, page.total_bytes) == (num_found, 1000 * num_found)
    assert len(page.entries) == min(num_found, 1)


@in_loop
async def test_pages_follow_one_another(servicer: StorageServicer) -> None:
    first = await listed(servicer, page_size=3)
    second = await listed(servicer, page_size=3, page_token=first.next_page_token)

    digests = [entry.blob.digest for page in (first, second) for entry in page.entries]
    assert len(set(digests)) == 4
    assert second.next_page_token == ""


@in_loop
async def test_long_lists_of_uses_are_cut(site: StoreSite, servicer: StorageServicer) -> None:
    for number in range(25):
        site.weights(f"torchvision/{number:02}", some_bytes(1))

    page = await listed(servicer, filter="kind = weights")

    assert len(page.entries[0].used_by) == 21
    assert page.entries[0].used_by[-1] == "and 6 more"


@in_loop
async def test_a_check_ends_with_its_summary(site: StoreSite, servicer: StorageServicer) -> None:
    bad = site.storage.chosen(["torchvision/x"])[0].blob.digest
    flip_a_bit(site.store.path(bad), 500)

    *events, summary, end = await checked(servicer)

    (corrupt,) = [event.corrupt for event in events if event.HasField("corrupt")]
    assert corrupt.entry.blob.digest == bad
    assert corrupt.quarantined
    assert summary.summary == pb.VerifySummary(num_verified=3, bytes_verified=3000, num_corrupt=1)
    assert end.end.reason == StreamEnd.REASON_COMPLETED
    page = await listed(servicer)
    assert (page.num_quarantined, page.quarantined_bytes, page.total_size) == (1, 1000, 3)


class SlowStorage:
    """Its check waits until it is let go, and notes whether it was ended in order."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.is_closed = False

    def chosen(self, names: Sequence[str]) -> list[Entry]:
        return []

    def check(self, entries: Sequence[Entry]) -> Iterator[Event]:
        try:
            for _ in range(1000):
                assert self.go.wait(60)
                yield VerifyProgress(num_done=0, num_total=1, bytes_done=0, bytes_total=1)
            yield Checked()
        finally:
            self.is_closed = True


@in_loop
async def test_a_silent_check_is_alive_and_one_too_many_is_told_to_come_back() -> None:
    storage = SlowStorage()
    servicer = StorageServicer(cast(Storage, storage), NO_BUNDLES, Drain(), heartbeat_s=0.01)
    stream = servicer.VerifyCache(pb.VerifyCacheRequest(), NO_CONTEXT)

    assert (await anext(stream)).HasField("heartbeat")
    with pytest.raises(Exhausted, match="another verification"):
        await checked(servicer)
    asyncio.get_running_loop().call_later(0.05, storage.go.set)
    await stream.aclose()

    assert storage.is_closed
    assert (await checked(servicer))[-1].end.reason == StreamEnd.REASON_COMPLETED


@in_loop
async def test_a_check_ends_in_order_when_the_server_drains() -> None:
    storage, drain = SlowStorage(), Drain()
    storage.go.set()
    servicer = StorageServicer(cast(Storage, storage), NO_BUNDLES, drain)
    stream = servicer.VerifyCache(pb.VerifyCacheRequest(), NO_CONTEXT)
    await anext(stream)

    drain.begin()
    *_, last = [message async for message in stream]

    assert last.end.reason == StreamEnd.REASON_DRAINING
    assert storage.is_closed


@in_loop
async def test_pruning_says_what_went_and_what_stays(
    site: StoreSite, servicer: StorageServicer
) -> None:
    request = pb.PruneCacheRequest(target_bytes=0, dry_run=True)
    said = await servicer.PruneCache(request, NO_CONTEXT)
    done = await servicer.PruneCache(pb.PruneCacheRequest(target_bytes=0), NO_CONTEXT)

    assert said == done
    assert [entry.kind for entry in done.removed] == [pb.ENTRY_KIND_WEIGHTS, pb.ENTRY_KIND_MODEL]
    assert (done.removed_bytes, done.total_bytes, done.num_removed) == (2000, 2000, 2)
    assert (done.num_kept, done.kept_bytes) == (2, 2000)


@in_loop
async def test_without_a_target_the_settings_say_it(servicer: StorageServicer) -> None:
    done = await servicer.PruneCache(pb.PruneCacheRequest(), NO_CONTEXT)

    assert done.total_bytes == 3000


@in_loop
async def test_pins_are_taken_and_given_back(servicer: StorageServicer) -> None:
    names = ["torchvision/x", "checkpoints/letters"]
    pin = pb.PinBlobsRequest(names=names, owner="ann")
    unpin = pb.PinBlobsRequest(names=names, owner="ann", unpin=True)

    pinned = await servicer.PinBlobs(pin, NO_CONTEXT)
    assert [list(entry.pins) for entry in pinned.entries] == [["ann"], ["ann"]]
    assert (await listed(servicer, filter="is_pinned = true")).total_size == 2

    unpinned = await servicer.PinBlobs(unpin, NO_CONTEXT)
    assert [list(entry.pins) for entry in unpinned.entries] == [[], []]


@pytest.mark.parametrize(
    ("request_fields", "fields"),
    [
        ({}, ["names", "owner"]),
        ({"names": ["torchvision/x"], "owner": "-ann"}, ["owner"]),
        ({"names": ["torchvision/x"], "owner": "a" * 101}, ["owner"]),
        ({"names": ["x"] * 1001, "owner": "ann"}, ["names"]),
        ({"names": ["blobs/1", "sha256:2"], "owner": "ann"}, ["names[0]", "names[1]"]),
    ],
)
@in_loop
async def test_everything_wrong_with_a_pin_is_told_at_once(
    servicer: StorageServicer, request_fields: dict[str, Any], fields: list[str]
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await servicer.PinBlobs(pb.PinBlobsRequest(**request_fields), NO_CONTEXT)

    assert [each.field for each in caught.value.violations] == fields


@pytest.mark.parametrize(
    ("request_fields", "field"), [({"target_bytes": -1}, "target_bytes"), ({"kinds": [9]}, "kinds")]
)
@in_loop
async def test_an_order_that_makes_no_sense_is_refused(
    servicer: StorageServicer, request_fields: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await servicer.PruneCache(pb.PruneCacheRequest(**request_fields), NO_CONTEXT)

    assert [each.field for each in caught.value.violations] == [field]
