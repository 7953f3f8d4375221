"""RenderModel on a running catalog."""

from typing import Any
from xml.etree import ElementTree

import grpc
import pytest

from tests.services import Service
from vertebra.catalog.v1 import model_service_pb2 as pb
from vertebra.catalog.v1 import model_service_pb2_grpc
from vertebra.client_errors import from_rpc_error
from vertebra.model.v1.model_spec_pb2 import ClassificationTask, ModelSpec

PETS = ModelSpec(
    backbone="squeezenet1_1", classification=ClassificationTask(class_names=["cat", "dog"])
)


@pytest.fixture(scope="module")
def models(catalog: Service) -> Any:
    """The generated stub, which has no types."""
    with grpc.insecure_channel(catalog.address) as channel:
        stub: Any = model_service_pb2_grpc.ModelServiceStub  # type: ignore[no-untyped-call]
        yield stub(channel)


def test_a_frozen_model_is_drawn_as_such(models: Any) -> None:
    request = pb.RenderModelRequest(
        spec=PETS, format=pb.RenderModelRequest.FORMAT_SVG, freeze_mode="frozen_backbone"
    )

    drawing = models.RenderModel(request, timeout=60)

    assert drawing.media_type == "image/svg+xml"
    root = ElementTree.fromstring(drawing.content)
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "squeezenet1_1 · classification" in texts and texts.count("frozen") > 2


def test_graphviz_text(models: Any) -> None:
    request = pb.RenderModelRequest(spec=PETS, format=pb.RenderModelRequest.FORMAT_DOT)

    drawing = models.RenderModel(request, timeout=60)

    assert drawing.media_type == "text/vnd.graphviz"
    assert drawing.content.startswith("digraph model {")


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.RenderModelRequest(spec=PETS), "format"),
        (pb.RenderModelRequest(format=pb.RenderModelRequest.FORMAT_SVG), "spec"),
        (
            pb.RenderModelRequest(
                spec=PETS, format=pb.RenderModelRequest.FORMAT_SVG, freeze_mode="half"
            ),
            "freeze_mode",
        ),
    ],
)
def test_what_is_missing_or_unknown_is_named(
    models: Any, request_: pb.RenderModelRequest, field: str
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        models.RenderModel(request_, timeout=60)

    failed = from_rpc_error(caught.value, "here")
    assert failed.code is grpc.StatusCode.INVALID_ARGUMENT
    assert field in failed.message
