"""The doctor through real Envoys, each set wrongly in one way, one set rightly, and none at all."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.fakes.envoy import HTTP1, RETRIES, buffer_filter, running_envoys
from tests.fakes.path_service import running_path_service
from vertebra.doctor.examine import Report, examine
from vertebra.doctor.finding import Certainty, Fault, Finding, Level
from vertebra.doctor.proxies import Proxy
from vertebra.doctor.way import Way

HOLD_S = 9.0
LIMIT_S = 3.0
LATER_S = 7.0
EARLY_S = 0.2
"""Clocks differ by less; a busy machine is late, and never early."""
MAX_BYTES = 100_000

WAYS = {
    "right": {"timeout": "0s"},
    "route timeout": {"timeout": f"{LIMIT_S}s"},
    "route timeout, idle": {
        "timeout": f"{LATER_S}s",
        "manager": {"stream_idle_timeout": f"{LIMIT_S}s"},
    },
    "idle": {"timeout": "0s", "manager": {"stream_idle_timeout": f"{LIMIT_S}s"}},
    "idle of the route": {"timeout": "0s", "idle_timeout": f"{LIMIT_S}s"},
    "max duration": {
        "timeout": "0s",
        "manager": {"common_http_protocol_options": {"max_stream_duration": f"{LIMIT_S}s"}},
    },
    "max duration of the route": {
        "timeout": "0s",
        "max_stream_duration": {"max_stream_duration": f"{LIMIT_S}s"},
    },
    "repeats": {"timeout": "0s", "retry_policy": RETRIES},
    "small": {"timeout": "0s", "filters": [buffer_filter(MAX_BYTES)]},
    "no HTTP/2 behind": {"timeout": "0s", "upstream_protocol": HTTP1},
    "no HTTP/2": {"timeout": "0s", "manager": {"codec_type": "HTTP1"}},
    "longer than held": {"timeout": "15s"},
}
QUIET = ("long streams", "deadlines", "repeats", "requests", "answers")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Report]]:
    """Every way examined, all at once; `direct` is no proxy."""
    with (
        running_path_service() as service,
        running_envoys(tmp_path_factory.mktemp("envoy"), service, WAYS) as addresses,
        ThreadPoolExecutor(len(WAYS) + 1) as pool,
    ):
        ways = {"direct": service, **addresses}
        made = {
            name: pool.submit(examine, Way(address=address), hold_s=HOLD_S)
            for name, address in ways.items()
        }
        yield {name: one.result() for name, one in made.items()}


def finding(report: Report, check: str) -> Finding:
    (found,) = [one for one in report.findings if one.check == check]
    return found


@pytest.mark.parametrize("name", ["direct", "right"])
def test_a_way_without_fault_is_good(reports: dict[str, Report], name: str) -> None:
    levels = {one.check: one.level for one in reports[name].findings}

    assert {check: levels[check] for check in QUIET} == dict.fromkeys(QUIET, Level.OK)
    assert levels["silent streams"] is Level.UNKNOWN  # held for less than two heartbeats
    assert reports[name].is_good
    assert reports[name].faults == []


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("route timeout", Fault.ROUTE_TIMEOUT),
        ("route timeout, idle", Fault.ROUTE_TIMEOUT),
        ("max duration", Fault.MAX_DURATION),
        ("max duration of the route", Fault.MAX_DURATION),
    ],
)
def test_a_limit_on_all_streams_is_measured_and_named(
    reports: dict[str, Report], name: str, fault: Fault
) -> None:
    found = finding(reports[name], "long streams")

    limit_s = LATER_S if "idle" in name else LIMIT_S
    assert (found.level, found.fault, found.certainty) == (Level.WRONG, fault, Certainty.SURE)
    assert limit_s - EARLY_S < found.value < HOLD_S


@pytest.mark.parametrize("name", ["idle", "idle of the route", "route timeout, idle"])
def test_a_limit_on_silence_is_measured_and_named(reports: dict[str, Report], name: str) -> None:
    found = finding(reports[name], "silent streams")

    assert (found.level, found.fault) == (Level.WRONG, Fault.IDLE_TIMEOUT)
    assert found.certainty is Certainty.SURE
    assert LIMIT_S - EARLY_S < found.value < LATER_S


@pytest.mark.parametrize("name", ["idle", "idle of the route"])
def test_a_limit_on_silence_is_no_limit_on_streams_that_speak(
    reports: dict[str, Report], name: str
) -> None:
    assert finding(reports[name], "long streams").level is Level.OK
    assert reports[name].faults == [Fault.IDLE_TIMEOUT]


@pytest.mark.parametrize("name", ["route timeout", "max duration"])
def test_a_limit_on_all_streams_is_not_taken_for_one_on_silence(
    reports: dict[str, Report], name: str
) -> None:
    found = finding(reports[name], "silent streams")

    assert (found.level, found.fault) == (Level.UNKNOWN, None)


def test_a_limit_that_nobody_waited_for_is_told_from_what_envoy_says(
    reports: dict[str, Report],
) -> None:
    found = finding(reports["longer than held"], "long streams")

    assert (found.level, found.certainty) == (Level.NOTE, Certainty.UNSURE)
    assert "15 s" in found.seen


def test_a_deadline_that_a_route_shortens_is_seen(reports: dict[str, Report]) -> None:
    found = finding(reports["max duration of the route"], "deadlines")

    assert (found.level, found.fault) == (Level.WRONG, Fault.DEADLINE_CUT)


def test_calls_that_are_repeated_on_the_way_are_counted(reports: dict[str, Report]) -> None:
    found = finding(reports["repeats"], "repeats")

    assert (found.level, found.fault) == (Level.NOTE, Fault.REPEATS)
    assert found.value == 1 + RETRIES["num_retries"]


def test_a_small_limit_on_requests_is_found_within_a_twentieth(
    reports: dict[str, Report],
) -> None:
    found = finding(reports["small"], "requests")

    assert (found.level, found.fault) == (Level.WRONG, Fault.REQUEST_SIZE)
    assert 0.9 * MAX_BYTES <= found.value <= MAX_BYTES
    assert finding(reports["small"], "answers").level is Level.OK


@pytest.mark.parametrize(
    ("name", "fault"),
    [("no HTTP/2 behind", Fault.NO_HTTP2_UPSTREAM), ("no HTTP/2", Fault.NO_HTTP2)],
)
def test_a_way_without_http2_is_named_as_such(
    reports: dict[str, Report], name: str, fault: Fault
) -> None:
    assert reports[name].faults == [fault]
    assert [one.check for one in reports[name].findings] == ["gRPC"]


def test_envoy_is_known_by_what_it_says(reports: dict[str, Report]) -> None:
    assert {name for name, one in reports.items() if one.proxy is Proxy.ENVOY} == (
        set(WAYS) - {"no HTTP/2"}
    )
    assert reports["direct"].proxy is None
