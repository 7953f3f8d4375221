"""Asking for weights and having them brought in: what comes back, and what is tried again."""

import grpc
import pytest

from tests.fakes.fake_catalog import FakeCatalog
from vertebra.catalog.v1 import weights_service_pb2 as wire
from vertebra.catalog_client import CatalogClient
from vertebra.client_errors import AnswerRefused, RpcFailed


def test_an_explanation_has_the_whole_trail(
    catalog: FakeCatalog, catalog_client: CatalogClient
) -> None:
    found = catalog_client.explain_weights("resnet18", probe=True)

    assert [step.location.split()[0] for step in found.steps] == [
        *("store", "torch-hub", "mirror", "origin")
    ]
    assert catalog.asked == [wire.ExplainWeightsRequest(name="resnet18", probe=True)]


def test_ensuring_returns_the_weights_and_reports_on_the_way(
    catalog_client: CatalogClient,
) -> None:
    seen: list[wire.EnsureProgress] = []

    weights = catalog_client.ensure_weights("resnet18", on_progress=seen.append)

    assert weights.reference == "torchvision/resnet18"
    assert [each.bytes_done for each in seen if each.bytes_total] == [11706880, 23413760, 46827520]


@pytest.mark.parametrize("early_end", ["cut", "draining", "broken"])
def test_a_stream_that_ends_early_is_opened_again(
    catalog: FakeCatalog, catalog_client: CatalogClient, early_end: str
) -> None:
    catalog.ensure_breaks = [early_end, early_end]

    assert catalog_client.ensure_weights("resnet18").reference == "torchvision/resnet18"
    assert catalog.asked == [wire.EnsureWeightsRequest(name="resnet18")] * 3


def test_an_end_without_weights_is_not_believed(
    catalog: FakeCatalog, catalog_client: CatalogClient
) -> None:
    catalog.ensure_breaks = ["empty"]

    with pytest.raises(AnswerRefused, match="did not come"):
        catalog_client.ensure_weights("resnet18")


def test_a_location_that_does_not_answer_is_the_callers_to_try_again(
    catalog: FakeCatalog, catalog_client: CatalogClient
) -> None:
    """The catalog has tried; every new attempt would bring progress and never end."""
    catalog.ensure_breaks = ["unreachable"] * 3

    with pytest.raises(RpcFailed) as caught:
        catalog_client.ensure_weights("resnet18")

    assert (caught.value.code, caught.value.reason) == (
        grpc.StatusCode.UNAVAILABLE,
        "WEIGHTS_UNREACHABLE",
    )
    assert len(catalog.asked) == 1


def test_names_that_are_none_are_refused_with_a_reason(catalog_client: CatalogClient) -> None:
    for call in (catalog_client.ensure_weights, catalog_client.explain_weights):
        with pytest.raises(RpcFailed) as caught:
            call("resnet51")

        assert caught.value.reason == "WEIGHTS_NOT_FOUND"
