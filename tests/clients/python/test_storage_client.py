"""The care of the store from a program: lists, checks, prunes, pins."""

import pytest

from tests.fakes.fake_catalog import FakeCatalog
from tests.fakes.fake_storage import corrupt, entries
from vertebra.catalog.v1 import storage_service_pb2 as wire
from vertebra.catalog_client import CatalogClient
from vertebra.client_errors import AnswerRefused, RpcFailed


def test_all_pages_are_listed(catalog_client: CatalogClient) -> None:
    assert list(catalog_client.storage.list_entries()) == entries()


def test_the_state_comes_without_the_list(
    catalog: FakeCatalog, catalog_client: CatalogClient
) -> None:
    state = catalog_client.storage.state()

    assert (state.total_bytes, state.budget_bytes, state.num_quarantined) == (10_000, 50_000, 1)
    assert catalog.storage.asked == [wire.ListEntriesRequest(page_size=1)]


def test_a_check_returns_what_is_bad(catalog_client: CatalogClient) -> None:
    seen = []

    found = catalog_client.storage.verify(on_progress=seen.append)

    assert found.corrupt == (corrupt(),)
    assert found.summary.num_verified == 3
    assert [type(event) for event in seen] == [wire.VerifyProgress, wire.CorruptEntry]


def test_what_a_check_found_before_it_was_cut_is_kept(
    catalog: FakeCatalog, catalog_client: CatalogClient
) -> None:
    """The bad blob is in quarantine when the check begins anew, and not found again."""
    catalog.storage.verify_breaks = ["draining"]

    found = catalog_client.storage.verify(["resnet18"])

    assert found.corrupt == (corrupt(),)
    assert catalog.storage.asked == [wire.VerifyCacheRequest(names=["resnet18"])] * 2


def test_a_check_without_a_summary_is_not_believed(
    catalog: FakeCatalog, catalog_client: CatalogClient
) -> None:
    catalog.storage.verify_breaks = ["empty"]

    with pytest.raises(AnswerRefused, match="no summary"):
        catalog_client.storage.verify()


@pytest.mark.parametrize("target_bytes", [None, 0, 5])
def test_no_target_is_not_the_same_as_nothing(
    catalog: FakeCatalog, catalog_client: CatalogClient, target_bytes: int | None
) -> None:
    catalog_client.storage.prune(target_bytes=target_bytes)

    (request,) = catalog.storage.asked
    assert request.HasField("target_bytes") is (target_bytes is not None)


def test_a_read_only_store_is_not_pruned(
    catalog: FakeCatalog, catalog_client: CatalogClient
) -> None:
    catalog.storage.is_read_only = True

    with pytest.raises(RpcFailed) as caught:
        catalog_client.storage.prune()

    assert caught.value.reason == "CACHE_READ_ONLY"


def test_pins_have_an_owner(catalog: FakeCatalog, catalog_client: CatalogClient) -> None:
    (pinned,) = catalog_client.storage.pin(["resnet18"], owner="ann")
    (unpinned,) = catalog_client.storage.unpin(["resnet18"], owner="ann")

    assert (list(pinned.pins), list(unpinned.pins)) == (["cli/ann"], [])
    assert [request.unpin for request in catalog.storage.asked] == [False, True]
    assert {request.owner for request in catalog.storage.asked} == {"ann"}
