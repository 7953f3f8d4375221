"""AdviseTransfer on a running catalog."""

from typing import Any

import grpc
import pytest

from tests.services import Service
from vertebra.catalog.v1 import model_service_pb2 as pb
from vertebra.catalog.v1 import model_service_pb2_grpc
from vertebra.client_errors import from_rpc_error


@pytest.fixture(scope="module")
def models(catalog: Service) -> Any:
    """The generated stub, which has no types."""
    with grpc.insecure_channel(catalog.address) as channel:
        stub: Any = model_service_pb2_grpc.ModelServiceStub  # type: ignore[no-untyped-call]
        yield stub(channel)


def test_advice_for_a_small_data_set(models: Any) -> None:
    request = pb.AdviseTransferRequest(task="classification", num_images=80)

    found = models.AdviseTransfer(request, timeout=60)

    assert found.advice.freeze_mode == "frozen_backbone"
    assert found.advice.backbone_lr == 0.0 and found.advice.head_lr == pytest.approx(1e-3)
    assert "fewer than 100 images" in found.advice.reasons[0]
    assert len(found.candidates) == 5
    best = found.candidates[0]
    assert best.metric_value > 88 and best.training_memory_bytes > 0 and best.reasons


def test_what_lies_in_the_mirror_counts_as_cached(models: Any) -> None:
    request = pb.AdviseTransferRequest(
        task="classification", num_images=80, cached_only=True, max_candidates=100
    )

    found = models.AdviseTransfer(request, timeout=60)

    cached = {candidate.architecture for candidate in found.candidates}
    assert {"squeezenet1_1", "mnasnet0_5"} <= cached and "vit_h_14" not in cached
    assert all(candidate.is_cached for candidate in found.candidates)


@pytest.mark.parametrize(
    ("request_", "code", "word"),
    [
        (pb.AdviseTransferRequest(), grpc.StatusCode.INVALID_ARGUMENT, "task"),
        (
            pb.AdviseTransferRequest(task="detection", num_images=-1),
            grpc.StatusCode.INVALID_ARGUMENT,
            "num_images",
        ),
        (
            pb.AdviseTransferRequest(task="detection", num_images=9, architectures=["resnet51"]),
            grpc.StatusCode.NOT_FOUND,
            "resnet50",
        ),
    ],
)
def test_what_cannot_be_answered_is_refused(
    models: Any, request_: pb.AdviseTransferRequest, code: grpc.StatusCode, word: str
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        models.AdviseTransfer(request_, timeout=60)

    failed = from_rpc_error(caught.value, "here")
    assert failed.code is code and word in failed.message
