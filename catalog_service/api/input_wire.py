"""CheckInput: messages <-> values."""

from collections.abc import Mapping

from catalog_service.model_wire import sizes_to_message
from catalog_service.resolve.input_check import (
    GivenInput,
    InputCheck,
    InputVerdict,
    VerdictKind,
    require_sane,
)
from vertebra.catalog.v1 import model_service_pb2 as pb

KINDS: Mapping[VerdictKind, pb.InputVerdict.Kind] = {
    VerdictKind.OK: pb.InputVerdict.KIND_OK,
    VerdictKind.WILL_CROP: pb.InputVerdict.KIND_WILL_CROP,
    VerdictKind.NEEDS_INTERPOLATION: pb.InputVerdict.KIND_NEEDS_INTERPOLATION,
    VerdictKind.ERROR: pb.InputVerdict.KIND_ERROR,
}


def given_input(request: pb.CheckInputRequest) -> GivenInput:
    """Return what the caller wants to give to the model.

    Raises:
        InvalidRequest: no model takes it; with every problem.
    """
    given = GivenInput(
        height_px=request.height_px,
        width_px=request.width_px,
        num_channels=request.num_channels,
        batch_size=request.batch_size,
    )
    require_sane(given)
    return given


def check_message(check: InputCheck) -> pb.CheckInputResponse:
    """Return the message of both verdicts."""
    return pb.CheckInputResponse(
        evaluation=_verdict(check.evaluation),
        training=_verdict(check.training),
        sizes=sizes_to_message(check.sizes),
    )


def _verdict(verdict: InputVerdict) -> pb.InputVerdict:
    return pb.InputVerdict(
        kind=KINDS[verdict.kind],
        reasons=verdict.reasons,
        nearest=[
            pb.ImageSize(height_px=height, width_px=width) for height, width in verdict.nearest
        ],
        seen_height_px=verdict.seen_height_px,
        seen_width_px=verdict.seen_width_px,
    )
