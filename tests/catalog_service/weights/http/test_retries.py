"""When to ask again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_service.weights.http.failures import (
    Gated,
    HttpFailure,
    NotThere,
    ServerTrouble,
    Unreachable,
)
from catalog_service.weights.http.policy import HttpPolicy
from catalog_service.weights.http.retries import pause_s, retry_after_s

NOW = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = HttpPolicy(num_retries=3, retry_pause_s=1.0, max_retry_after_s=20.0)


def pause(failure: HttpFailure, attempt: int = 0) -> float | None:
    return pause_s(failure, attempt=attempt, policy=POLICY, luck=0.5)


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "Thu, 01 Jan 2026 00:00:30 GMT"}, 30.0),
        ({"Retry-After": "Wed, 31 Dec 2025 00:00:00 GMT"}, 0.0),
        ({"RateLimit": '"resolvers";r=0;t=55'}, 55.0),
        ({"RateLimit": '"resolvers";r=9;t=55'}, None),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_a_server_may_say_how_long_to_wait(headers: dict[str, str], wanted: float | None):
    """In seconds, as a date, or as the hub does."""
    assert retry_after_s(headers, NOW) == wanted


@given(st.text(max_size=60))
def test_any_retry_after_is_survived(text: str):
    """It comes from outside."""
    found = retry_after_s({"Retry-After": text}, NOW)

    assert found is None or found >= 0


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_trouble_of_the_server_is_tried_again(status: int):
    """With pauses that grow, and not for ever."""
    pauses = [pause(ServerTrouble("x", status=status), attempt) for attempt in range(4)]

    assert pauses == [0.5, 1.0, 2.0, None]


@pytest.mark.parametrize(
    "failure",
    [
        NotThere("x"),
        ServerTrouble("x", status=403),
        Gated("x", gate="PENDING", page="p"),
        Unreachable("x", stage="name"),
        Unreachable("x", stage="tls"),
        Unreachable("x", stage="timeout"),
        Unreachable("x", stage="stall"),
    ],
)
def test_what_will_not_change_is_not_tried_again(failure: HttpFailure):
    """The next location is asked at once."""
    assert pause(failure) is None


@pytest.mark.parametrize("stage", ["connect", "cut"])
def test_a_broken_connection_is_tried_again(stage: str):
    """A server that restarts."""
    assert pause(Unreachable("x", stage=stage)) == 0.5


def test_the_wish_of_the_server_is_kept_within_bounds():
    """An hour is left to the next location, and to the caller."""
    soon = ServerTrouble("x", status=429, retry_after_s=7.0)
    late = ServerTrouble("x", status=429, retry_after_s=3600.0)

    assert pause(soon) == 7.5
    assert pause(late) is None
    assert timedelta(seconds=late.retry_after_s or 0) == timedelta(hours=1)
