"""The client against a server that misbehaves by script: what arrives, and what is asked again."""

import hashlib

import pytest

from catalog_service.weights.http.body import Body
from catalog_service.weights.http.client import HttpClient
from catalog_service.weights.http.failures import (
    HttpFailure,
    Nonsense,
    NotThere,
    RangeRefused,
    ServerTrouble,
    Unreachable,
)
from catalog_service.weights.http.policy import HttpPolicy
from tests.fakes import faults
from tests.fakes.faults import Fault
from tests.fakes.faulty_origin import FaultyOrigin, faulty_origin

DATA = bytes(range(256)) * 400
OTHER = bytes(reversed(DATA))
PATH = "/weights/resnet.pth"
HALF = len(DATA) // 2


@pytest.fixture
def origin():
    with faulty_origin() as running:
        running.add(PATH, DATA)
        yield running


class Pauses:
    """Remembers what a client would have slept."""

    def __init__(self) -> None:
        self.taken_s: list[float] = []

    def __call__(self, pause_s: float) -> None:
        self.taken_s.append(pause_s)


def client(pauses: Pauses | None = None, **policy) -> HttpClient:
    rules = HttpPolicy(**{"stall_timeout_s": 5.0, "retry_pause_s": 1.0, **policy})
    return HttpClient(rules, sleep=pauses or Pauses(), luck=lambda: 0.5)


def whole(body: Body) -> bytes:
    with body:
        return b"".join(iter(lambda: body.read(10_000), b""))


def etag_of(origin: FaultyOrigin) -> str:
    return client().head(origin.url + PATH).etag


def test_head_says_size_and_validator_without_the_bytes(origin: FaultyOrigin):
    """One request, no body."""
    head = client().head(origin.url + PATH + "?token=hush")

    assert (head.size_bytes, head.sha256, head.commit) == (len(DATA), "", "")
    assert head.etag.startswith('"')
    assert head.url == origin.url + PATH
    assert [request.method for request in origin.requests] == ["HEAD"]


@pytest.mark.parametrize("code", [403, 405, 501])
def test_a_server_without_head_is_asked_for_one_byte(origin: FaultyOrigin, code: int):
    """Signed URLs are signed for GET; a whole file is not sent for its size."""
    origin.only("HEAD", PATH, faults.status(code))

    assert client().head(origin.url + PATH).size_bytes == len(DATA)
    asked = [(request.method, request.range) for request in origin.requests]
    assert asked == [("HEAD", ""), ("GET", "bytes=0-0")]


def test_head_of_a_page_is_nonsense(origin: FaultyOrigin):
    """A captive portal has every file."""
    origin.always(PATH, faults.html())

    with pytest.raises(Nonsense):
        client().head(origin.url + PATH)


def test_a_file_arrives_whole(origin: FaultyOrigin):
    """The simplest path: one request."""
    body = client().open(origin.url + PATH)

    assert (body.start, body.total_bytes) == (0, len(DATA))
    assert whole(body) == DATA
    assert len(origin.requests) == 1


def test_a_range_begins_where_it_was_asked_to(origin: FaultyOrigin):
    """With the ETag of before as its condition."""
    etag = etag_of(origin)

    body = client().open(origin.url + PATH, start=HALF, etag=etag)

    assert (body.start, body.total_bytes) == (HALF, len(DATA))
    assert whole(body) == DATA[HALF:]
    assert origin.gets(PATH)[0].headers["if-range"] == etag
    assert origin.bytes_sent(PATH) == len(DATA) - HALF


def test_a_weak_tag_is_no_condition(origin: FaultyOrigin):
    """RFC 9110, section 13.1.5: If-Range wants a strong one."""
    origin.add(PATH, DATA, etag='W/"1"')

    body = client().open(origin.url + PATH, start=HALF, etag='W/"1"')

    assert body.start == HALF
    assert "if-range" not in origin.gets(PATH)[0].headers


def test_a_changed_file_starts_from_zero(origin: FaultyOrigin):
    """The server keeps to If-Range: 200 and everything."""
    etag = etag_of(origin)
    origin.add(PATH, OTHER)

    body = client().open(origin.url + PATH, start=HALF, etag=etag)

    assert body.start == 0
    assert whole(body) == OTHER


FROM_ZERO: dict[str, Fault] = {
    "ignores ranges": faults.no_range(),
    "answers from elsewhere": faults.shifted(5),
    "has no Content-Range": faults.content_range(None),
    "has another Content-Range": faults.content_range("bytes 7-8/9"),
    "refuses the range": faults.status(416, content_range=f"bytes */{HALF - 1}"),
    "refuses without a size": faults.status(416),
}


@pytest.mark.parametrize("name", FROM_ZERO)
def test_a_range_that_cannot_be_trusted_starts_from_zero(origin: FaultyOrigin, name: str):
    """Nothing of such an answer is spliced to what is there."""
    etag = etag_of(origin)
    origin.fault(PATH, FROM_ZERO[name])

    body = client().open(origin.url + PATH, start=HALF, etag=etag)

    assert body.start == 0
    assert whole(body) == DATA


@pytest.mark.parametrize("etag", ['"strong"', 'W/"weak"'])
def test_a_part_of_another_file_starts_from_zero(origin: FaultyOrigin, etag: str):
    """The server ignores If-Range; the naive way would join halves of two files."""
    origin.add(PATH, OTHER, etag='"new"')
    origin.fault(PATH, faults.ignore_if_range())

    body = client().open(origin.url + PATH, start=HALF, etag=etag)

    assert whole(body) == OTHER
    assert [r.status for r in origin.gets(PATH)] == [206, 200]


def test_less_than_was_asked_for_is_no_whole_file(origin: FaultyOrigin):
    """A server may answer a part of the range; its end is not the end of the file."""
    origin.fault(PATH, faults.piecemeal(100))

    with client().open(origin.url + PATH, start=HALF) as body:
        assert (body.start, body.total_bytes, body.read(10_000)) == (
            HALF,
            len(DATA),
            DATA[HALF : HALF + 100],
        )
        with pytest.raises(Unreachable, match=f"after {HALF + 100} of {len(DATA)} bytes"):
            body.read(10_000)


def test_a_range_behind_the_end_says_that_all_is_there(origin: FaultyOrigin):
    """A part that was whole before its size was known."""
    with pytest.raises(RangeRefused) as caught:
        client().open(origin.url + PATH, start=len(DATA))

    assert caught.value.total_bytes == len(DATA)


def test_a_refused_request_without_a_range_is_not_repeated_for_ever(origin: FaultyOrigin):
    """416 to everything."""
    origin.always(PATH, faults.status(416))

    with pytest.raises(RangeRefused):
        client().open(origin.url + PATH, start=HALF)

    assert len(origin.requests) == 2


REFUSED: dict[str, tuple[Fault, type[HttpFailure]]] = {
    "html": (faults.html(), Nonsense),
    "gzip": (faults.gzipped(), Nonsense),
    "part unasked": (faults.content_range("bytes 5-9/10"), Nonsense),
    "redirect loop": (faults.redirect_loop(), Nonsense),
    "204": (faults.status(204), Nonsense),
    "403": (faults.status(403), ServerTrouble),
    "404": (faults.status(404), NotThere),
    "410": (faults.status(410), NotThere),
    "429": (faults.status(429), ServerTrouble),
    "500": (faults.status(500), ServerTrouble),
    "503": (faults.status(503), ServerTrouble),
    "reset": (faults.reset(), Unreachable),
    "silent": (faults.stall_headers(), Unreachable),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_answer_that_is_no_file_is_never_read_as_one(origin: FaultyOrigin, name: str):
    """Each with its own failure, and a sentence that says which server."""
    fault, kind = REFUSED[name]
    origin.always(PATH, fault)

    with pytest.raises(kind) as caught:
        whole(client(stall_timeout_s=0.3, num_retries=1).open(origin.url + PATH))

    assert origin.host in caught.value.sentence


@pytest.mark.parametrize("name", ["429", "500", "503"])
def test_trouble_that_passes_is_asked_again(origin: FaultyOrigin, name: str):
    """Pauses double."""
    pauses = Pauses()
    origin.fault(PATH, REFUSED[name][0], REFUSED[name][0])

    assert whole(client(pauses).open(origin.url + PATH)) == DATA
    assert pauses.taken_s == [0.5, 1.0]


@pytest.mark.parametrize("name", ["403", "404", "html", "gzip", "silent"])
def test_trouble_that_stays_is_asked_once(origin: FaultyOrigin, name: str):
    """The next location is not kept waiting."""
    pauses = Pauses()
    origin.always(PATH, REFUSED[name][0])

    with pytest.raises(HttpFailure):
        client(pauses, stall_timeout_s=0.2).open(origin.url + PATH)

    assert len(origin.requests) == 1
    assert pauses.taken_s == []


def test_retries_end(origin: FaultyOrigin):
    """After as many as the policy allows."""
    origin.always(PATH, faults.status(503))

    with pytest.raises(ServerTrouble):
        client(num_retries=2).open(origin.url + PATH)

    assert len(origin.requests) == 3


def test_a_server_is_given_the_time_it_asks_for(origin: FaultyOrigin):
    """Retry-After, with some spread."""
    pauses = Pauses()
    origin.fault(PATH, faults.status(503, retry_after="7"))

    assert whole(client(pauses).open(origin.url + PATH)) == DATA
    assert pauses.taken_s == [7.5]


def test_a_server_that_asks_for_an_hour_is_left(origin: FaultyOrigin):
    """The caller learns how long."""
    origin.always(PATH, faults.status(429, retry_after="3600"))

    with pytest.raises(ServerTrouble) as caught:
        client().open(origin.url + PATH)

    assert caught.value.retry_after_s == 3600.0
    assert len(origin.requests) == 1


def test_names_that_a_server_suggests_are_not_used(origin: FaultyOrigin):
    """Content-Disposition is not read; an ETag is an opaque value."""
    origin.fault(PATH, faults.hostile_names())

    body = client().open(origin.url + PATH)

    assert (whole(body), body.sha256) == (DATA, "")


@pytest.mark.parametrize("data", [DATA, b"x"])
def test_flips_and_swaps_pass_here(origin: FaultyOrigin, data: bytes):
    """Other bytes of the right size look like the file: proving them is not this room's."""
    origin.add(PATH, data)
    origin.fault(PATH, faults.flip(0), faults.swap(OTHER))
    digest = hashlib.sha256(data).hexdigest()

    flipped = whole(client().open(origin.url + PATH))
    swapped = whole(client().open(origin.url + PATH))

    assert len(flipped) == len(data)
    assert digest not in {hashlib.sha256(one).hexdigest() for one in (flipped, swapped)}
