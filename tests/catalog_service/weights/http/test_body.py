"""Bytes as they come, and how they stop."""

import time

import pytest

from catalog_service.weights.http.body import Body, Pace
from catalog_service.weights.http.client import HttpClient
from catalog_service.weights.http.failures import Unreachable
from catalog_service.weights.http.policy import HttpPolicy
from tests.fakes import faults
from tests.fakes.faulty_origin import FaultyOrigin, faulty_origin

DATA = bytes(range(256)) * 4000
PATH = "/a.pth"
MANY_S = 60.0


@pytest.fixture
def origin():
    with faulty_origin() as running:
        running.add(PATH, DATA)
        yield running


def opened(origin: FaultyOrigin, **policy) -> Body:
    return HttpClient(HttpPolicy(**policy)).open(origin.url + PATH)


def drained(body: Body) -> tuple[bytes, Unreachable | None]:
    """Return what came, and how it stopped."""
    data = bytearray()
    with body:
        try:
            while piece := body.read(5000):
                data += piece
        except Unreachable as error:
            return bytes(data), error
    return bytes(data), None


def test_a_read_gives_at_most_what_was_asked_for(origin: FaultyOrigin):
    """And something, until the end."""
    with opened(origin) as body:
        pieces = list(iter(lambda: body.read(1000), b""))

    assert max(map(len, pieces)) <= 1000
    assert b"".join(pieces) == DATA


def test_a_stalled_body_stops_after_the_stall_timeout(origin: FaultyOrigin):
    """What came before is the reader's to keep."""
    origin.fault(PATH, faults.stall(10_000))
    began = time.monotonic()

    data, error = drained(opened(origin, stall_timeout_s=0.3))

    assert data == DATA[:10_000]
    assert error is not None
    assert error.stage == "stall"
    assert 0.3 <= time.monotonic() - began < MANY_S
    assert f"after 10000 of {len(DATA)} bytes" in error.sentence


def test_a_dripping_body_stops_although_every_byte_is_in_time(origin: FaultyOrigin):
    """A timeout between bytes alone would read for ever: seen beside it."""
    origin.always(PATH, faults.drip(piece_bytes=1, every_s=0.02))

    _, error = drained(opened(origin, stall_timeout_s=0.4, min_bytes_per_s=1000.0))

    assert error is not None
    assert (error.stage, "drips" in error.sentence) == ("stall", True)
    with opened(origin, stall_timeout_s=0.4, min_bytes_per_s=0.0) as naive:
        assert all(naive.read(10) for _ in range(40))


def test_a_slow_reader_is_no_slow_server(origin: FaultyOrigin):
    """A busy disk must not look like a drip: only waiting counts."""
    with opened(origin, stall_timeout_s=0.05, min_bytes_per_s=1e6) as body:
        data = body.read(1000)
        time.sleep(0.2)
        while piece := body.read(100_000):
            data += piece

    assert data == DATA


def test_the_pace_is_an_average_over_the_window():
    """One quiet moment is none, a quiet window is."""
    pace = Pace(window_s=10.0, min_bytes_per_s=100.0)

    assert not pace.is_too_slow(9.0, 1)
    assert not pace.is_too_slow(1.0, 999)
    assert pace.is_too_slow(10.0, 999)
    assert not pace.is_too_slow(10.0, 1000)


def test_an_early_end_is_no_end(origin: FaultyOrigin):
    """The naive reader takes the empty read for the end of the file."""
    origin.fault(PATH, faults.truncate(10_000))

    data, error = drained(opened(origin))

    assert data == DATA[:10_000]
    assert error is not None
    assert error.stage == "cut"


def test_a_body_of_unknown_length_ends_with_the_connection(origin: FaultyOrigin):
    """Whether it is whole, only its digest can say."""
    origin.fault(PATH, faults.length(-1))
    body = opened(origin)

    assert body.total_bytes is None
    assert drained(body) == (DATA, None)


def test_a_promise_of_fewer_bytes_is_kept(origin: FaultyOrigin):
    """Nothing behind Content-Length is read."""
    origin.fault(PATH, faults.length(100))

    assert drained(opened(origin)) == (DATA[:100], None)
