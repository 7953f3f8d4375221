"""The client against a server that misbehaves by script."""

import pytest

from catalog_service.weights.http.client import HttpClient
from catalog_service.weights.http.failures import NotThere
from catalog_service.weights.http.policy import HttpPolicy
from tests.fakes import faults
from tests.fakes.faulty_origin import FaultyOrigin, faulty_origin

DATA = bytes(range(256)) * 400
PATH = "/weights/resnet.pth"


@pytest.fixture
def origin():
    with faulty_origin() as running:
        running.add(PATH, DATA)
        yield running


def client(**policy) -> HttpClient:
    return HttpClient(HttpPolicy(**{"stall_timeout_s": 5.0, **policy}), sleep=lambda pause: None)


def whole(body) -> bytes:
    with body:
        return b"".join(iter(lambda: body.read(10_000), b""))


def test_head_says_size_and_validator_without_the_bytes(origin: FaultyOrigin):
    """One request, no body."""
    head = client().head(origin.url + PATH)

    assert (head.size_bytes, head.sha256, head.commit) == (len(DATA), "", "")
    assert head.etag.startswith('"')
    assert [request.method for request in origin.requests] == ["HEAD"]


def test_a_file_arrives_whole(origin: FaultyOrigin):
    """The simplest path."""
    body = client().open(origin.url + PATH)

    assert (body.start, body.total_bytes) == (0, len(DATA))
    assert whole(body) == DATA


def test_a_range_begins_where_it_was_asked_to(origin: FaultyOrigin):
    """With the ETag of before as its condition."""
    url = origin.url + PATH
    etag = client().head(url).etag

    body = client().open(url, start=1000, etag=etag)

    assert body.start == 1000
    assert whole(body) == DATA[1000:]
    assert origin.gets(PATH)[0].headers["if-range"] == etag


def test_a_missing_file_is_not_there(origin: FaultyOrigin):
    """404."""
    with pytest.raises(NotThere, match="no such file"):
        client().open(origin.url + "/other.pth")


def test_a_status_is_tried_again(origin: FaultyOrigin):
    """503 passes."""
    origin.fault(PATH, faults.status(503), faults.status(500))

    assert whole(client().open(origin.url + PATH)) == DATA
    assert len(origin.gets(PATH)) == 3
