"""ListCompositions: what goes with what, filtered, ordered and paged by a running catalog."""

from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest

from catalog_service.models.compositions import compositions
from tests.services import Service
from vertebra.catalog.v1 import model_service_pb2 as pb
from vertebra.catalog.v1 import model_service_pb2_grpc
from vertebra.client_errors import from_rpc_error

List = Callable[..., pb.ListCompositionsResponse]


@pytest.fixture(scope="module")
def listed(catalog: Service) -> Iterator[List]:
    """`listed(filter=...)` returns one page of the running catalog."""
    with grpc.insecure_channel(catalog.address) as channel:
        stub: Any = model_service_pb2_grpc.ModelServiceStub(channel)
        yield lambda **fields: stub.ListCompositions(pb.ListCompositionsRequest(**fields))


def test_pages_join_to_all_compositions(listed: List) -> None:
    found, token = [], ""
    while True:
        page = listed(page_size=1000, page_token=token)
        found += [(row.backbone, row.task, row.head, row.neck) for row in page.compositions]
        token = page.next_page_token
        if not token:
            break

    assert len(found) == len(set(found)) == page.total_size == len(compositions()) > 3000


def test_a_filter_and_an_order_are_applied_together(listed: List) -> None:
    page = listed(
        filter="backbone = resnet50 AND task = detection AND neck = fpn", order_by="head desc"
    )

    assert [row.head for row in page.compositions] == ["retinanet", "fcos", "faster_rcnn"]
    assert [row.is_default for row in page.compositions] == [False, False, True]
    assert list(page.compositions[0].feature_maps) == ["layer2", "layer3", "layer4"]


def test_the_publishers_own_models_are_among_them(listed: List) -> None:
    page = listed(filter="is_published = true AND task = detection")

    assert {row.backbone for row in page.compositions} >= {
        "fasterrcnn_resnet50_fpn",
        "ssd300_vgg16",
    }
    assert all(row.is_default for row in page.compositions)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"filter": "colour = red"}, "FILTER_INVALID"),
        ({"order_by": "feature_maps"}, "ORDER_INVALID"),
        ({"page_token": "made-up"}, "PAGE_TOKEN_INVALID"),
        ({"page_size": -1}, "FIELD_INVALID"),
    ],
)
def test_a_bad_request_is_refused_with_its_own_reason(
    listed: List, catalog: Service, fields: dict[str, Any], reason: str
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        listed(**fields)

    error = from_rpc_error(caught.value, catalog.address)
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, reason)
    assert error.violations[0].field == next(iter(fields))
