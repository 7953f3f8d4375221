"""CheckInput over the wire."""

import grpc
import pytest

from tests.services import Service
from vertebra.catalog.v1 import model_service_pb2 as pb
from vertebra.catalog.v1.model_service_pb2_grpc import ModelServiceStub


def request(**fields: object) -> pb.CheckInputRequest:
    message = pb.CheckInputRequest(**fields)  # type: ignore[arg-type]
    message.spec.backbone = "vit_b_16"
    return message


def test_both_verdicts_and_the_limits_come_back(catalog: Service) -> None:
    with grpc.insecure_channel(catalog.address) as channel:
        answer = ModelServiceStub(channel).CheckInput(request(height_px=384, width_px=400))

    for verdict in (answer.evaluation, answer.training):
        assert verdict.kind == pb.InputVerdict.KIND_NEEDS_INTERPOLATION
        assert "built for 224x224" in verdict.reasons[0]
        assert (verdict.nearest[0].height_px, verdict.nearest[0].width_px) == (384, 400)
    assert answer.sizes.is_fixed and answer.sizes.multiple_of_px == 16


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (pb.CheckInputRequest(height_px=1, width_px=1), "spec"),
        (request(width_px=224), "height_px"),
        (request(height_px=224, width_px=224, batch_size=-1), "batch_size"),
    ],
)
def test_what_is_wrong_with_the_request_is_named(
    catalog: Service, message: pb.CheckInputRequest, field: str
) -> None:
    with grpc.insecure_channel(catalog.address) as channel:
        stub = ModelServiceStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            stub.CheckInput(message)

    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert f"{field}:" in caught.value.details()


def test_a_wrong_spec_is_named_below_spec(catalog: Service) -> None:
    message = request(height_px=224, width_px=224)
    message.spec.seed = 2**63

    with grpc.insecure_channel(catalog.address) as channel:
        stub = ModelServiceStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            stub.CheckInput(message)

    assert "spec.seed:" in caught.value.details()
