"""What cut streams show: a limit, a broken connection, a refusal, or nothing."""

import grpc
import pytest

from vertebra.client_errors import RpcFailed
from vertebra.doctor.finding import Certainty, Fault, Level
from vertebra.doctor.held_streams import PATIENCE_S, THOROUGH_S, Held, judged

HOLD_S = 33.0
CUT = RpcFailed(grpc.StatusCode.INTERNAL, "RST_STREAM")


def held(
    *ages: float | None, is_silent: bool, failure: RpcFailed = CUT, said: str = ""
) -> list[Held]:
    """Return streams that began 3 s after one another; None: not cut."""
    return [
        Held(
            is_silent=is_silent,
            began_s=3.0 * number,
            lasted_s=HOLD_S if age is None else age,
            failure=None if age is None else failure,
            said=said,
        )
        for number, age in enumerate(ages)
    ]


def test_streams_that_all_end_at_one_age_show_a_limit() -> None:
    streams = held(15.0, 15.1, is_silent=False) + held(15.0, 15.0, is_silent=True)

    long, silent = judged(streams, HOLD_S)

    assert (long.value, long.fault, long.certainty) == (15.1, Fault.STREAM_CUT, Certainty.SURE)
    assert silent.level is Level.UNKNOWN


def test_streams_that_end_at_one_moment_show_a_broken_connection() -> None:
    streams = held(12.0, 9.0, is_silent=False) + held(12.0, 9.0, is_silent=True)

    for found in judged(streams, HOLD_S):
        assert (found.level, found.fault) == (Level.NOTE, None)
        assert found.certainty is Certainty.UNSURE


def test_one_cut_of_two_is_no_limit() -> None:
    streams = held(12.0, None, is_silent=False) + held(None, None, is_silent=True)

    long, silent = judged(streams, HOLD_S)

    assert (long.level, long.fault) == (Level.NOTE, None)
    assert silent.level is Level.OK


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("upstream request timeout", Fault.ROUTE_TIMEOUT),
        ("downstream duration timeout", Fault.MAX_DURATION),
        ("something else", Fault.STREAM_CUT),
    ],
)
def test_the_words_of_envoy_name_the_limit(said: str, fault: Fault) -> None:
    streams = held(15.0, 15.0, is_silent=False) + held(15.0, 15.0, is_silent=True, said=said)

    assert judged(streams, HOLD_S)[0].fault is fault


def test_silence_that_is_cut_late_enough_is_worth_a_note() -> None:
    streams = held(None, None, is_silent=False) + held(32.0, 32.0, is_silent=True)

    silent = judged(streams, HOLD_S)[1]

    assert (silent.level, silent.fault, silent.value) == (Level.NOTE, None, 32.0)


def test_a_caller_who_may_not_ask_learns_nothing_wrong() -> None:
    refused = RpcFailed(grpc.StatusCode.PERMISSION_DENIED, "viewers may not")
    streams = held(0.0, 0.0, is_silent=False, failure=refused)

    assert {one.level for one in judged(streams, HOLD_S)} == {Level.UNKNOWN}


def test_streams_whose_end_never_comes_are_held_back() -> None:
    late_s = HOLD_S + PATIENCE_S
    streams = held(late_s, late_s, is_silent=False) + held(late_s, late_s, is_silent=True)

    for found in judged(streams, HOLD_S):
        assert found.level is Level.WRONG
        assert "held" in found.seen or "holds" in found.seen


def test_a_service_that_shut_down_meanwhile_says_nothing_of_the_way() -> None:
    streams = [Held(is_silent=one, began_s=0, lasted_s=5, is_drained=True) for one in (True, False)]

    assert {one.level for one in judged(streams, HOLD_S)} == {Level.UNKNOWN}


@pytest.mark.parametrize(
    ("hold_s", "flag"), [(HOLD_S, "--thorough"), (THOROUGH_S, "--hold 660"), (400.0, "--hold 800")]
)
def test_what_would_show_more_is_no_flag_that_was_given(hold_s: float, flag: str) -> None:
    streams = held(None, None, is_silent=False) + held(None, None, is_silent=True)

    long, _ = judged(streams, hold_s)

    assert long.seen.endswith(f"longer limits: {flag}")
