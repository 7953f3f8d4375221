"""Pings that a server refuses are seen as what they are."""

import grpc
import pytest

from tests.fakes.path_service import running_path_service
from vertebra.client_errors import RpcFailed
from vertebra.doctor.finding import Certainty, Fault, Level
from vertebra.doctor.held_streams import Held
from vertebra.doctor.pings import hold_with_pings, judged
from vertebra.doctor.way import Way

EVERY_S = 1.0
"""The core sends none sooner."""


@pytest.mark.parametrize(
    ("allowed_ms", "hold_s", "level", "fault"),
    [(10, 4.5, Level.OK, None), (60_000, 12.0, Level.WRONG, Fault.PINGS)],
)
def test_a_server_that_refuses_pings_is_found_out(
    allowed_ms: int, hold_s: float, level: Level, fault: Fault | None
) -> None:
    options = {"grpc__http2__min_ping_interval_without_data_ms": allowed_ms}
    with running_path_service(**options) as address:
        found = judged(hold_with_pings(Way(address=address), hold_s, EVERY_S), EVERY_S)

    assert (found.level, found.fault) == (level, fault)


def test_too_few_pings_are_no_proof() -> None:
    few = Held(is_silent=True, began_s=0, lasted_s=25)
    none = Held(is_silent=True, began_s=0, lasted_s=5)

    assert judged(few, 10.0).certainty is Certainty.LIKELY
    assert judged(none, 10.0).level is Level.UNKNOWN


def test_holding_longer_is_not_advised_where_the_stream_is_cut_before() -> None:
    cut = RpcFailed(grpc.StatusCode.INTERNAL, "RST_STREAM")

    assert judged(Held(is_silent=True, began_s=0, lasted_s=25), 10.0).seen.endswith("--thorough")
    found = judged(Held(is_silent=True, began_s=0, lasted_s=25, failure=cut), 10.0)
    assert found.seen.endswith("the stream was cut before")
