"""Redirects: each hop within the list, the token for its own host alone."""

import pytest

from catalog_service.weights.http.client import HttpClient
from catalog_service.weights.http.failures import HostRefused, HttpFailure, Nonsense
from catalog_service.weights.http.policy import HostToken, HttpPolicy
from tests.fakes import faults
from tests.fakes.faulty_origin import FaultyOrigin, faulty_origin

DATA = b"weights" * 1000
PATH = "/a.pth"


@pytest.fixture
def origin():
    with faulty_origin() as running:
        running.add(PATH, DATA)
        yield running


@pytest.fixture
def elsewhere():
    with faulty_origin() as running:
        running.add(PATH, DATA)
        yield running


def client(**policy) -> HttpClient:
    return HttpClient(HttpPolicy(**{"stall_timeout_s": 5.0, **policy}), sleep=lambda pause: None)


def read(url: str, **policy) -> bytes:
    with client(**policy).open(url) as body:
        return b"".join(iter(lambda: body.read(4096), b""))


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_within_the_host_is_followed(origin: FaultyOrigin, code: int):
    """Every code that means it."""
    origin.fault("/old.pth", faults.redirect(PATH, code))

    assert read(origin.url + "/old.pth") == DATA


@pytest.mark.parametrize("method", ["head", "open"])
def test_a_redirect_to_another_host_is_refused_and_not_contacted(
    origin: FaultyOrigin, elsewhere: FaultyOrigin, method: str
):
    """No byte, not even a connection."""
    origin.always(PATH, faults.redirect(elsewhere.url + PATH))

    with pytest.raises(HostRefused, match=elsewhere.host.split(":")[0]):
        getattr(client(), method)(origin.url + PATH)

    assert elsewhere.requests == []


def test_a_redirect_to_an_allowed_host_is_followed_without_the_token(
    origin: FaultyOrigin, elsewhere: FaultyOrigin
):
    """The naive way, one set of headers for all hops, would have handed it over."""
    origin.always(PATH, faults.redirect(elsewhere.url + PATH))
    token = HostToken.for_url(origin.url, "hf_secret")

    data = read(origin.url + PATH, token=token, allowed_hosts=(origin.host, elsewhere.host))

    assert data == DATA
    assert origin.requests[0].headers["authorization"] == "Bearer hf_secret"
    assert "authorization" not in elsewhere.requests[0].headers
    assert "hf_secret" not in str(elsewhere.requests)


def test_a_token_is_sent_again_when_the_way_leads_back(
    origin: FaultyOrigin, elsewhere: FaultyOrigin
):
    """By host, not by the number of the hop."""
    origin.always("/start", faults.redirect(elsewhere.url + "/there"))
    elsewhere.always("/there", faults.redirect(origin.url + PATH))
    token = HostToken.for_url(origin.url, "hf_secret")

    read(origin.url + "/start", token=token, allowed_hosts=("127.0.0.1",))

    had = ["authorization" in r.headers for r in (*origin.requests, *elsewhere.requests)]
    assert had == [True, True, False]


def test_another_name_of_the_same_machine_is_another_host(origin: FaultyOrigin):
    """`localhost` is not `127.0.0.1`."""
    port = origin.host.partition(":")[2]
    origin.always(PATH, faults.redirect(f"http://localhost:{port}/b.pth"))

    with pytest.raises(HostRefused, match="localhost"):
        read(origin.url + PATH)

    assert len(origin.requests) == 1


def test_a_host_that_is_not_listed_is_not_asked_at_all(origin: FaultyOrigin):
    """The list counts for the first hop too."""
    with pytest.raises(HostRefused, match="not allowed"):
        read(origin.url + PATH, allowed_hosts=("mirror.lan",))

    assert origin.requests == []


def test_an_endless_redirect_ends(origin: FaultyOrigin):
    """After so many hops as the policy allows."""
    origin.always(PATH, faults.redirect_loop())

    with pytest.raises(Nonsense, match="more than 3 times"):
        read(origin.url + PATH, max_redirects=3)

    assert len(origin.requests) == 4


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://127.0.0.1/a", "gopher://x/", ""])
def test_a_redirect_to_no_http_is_nonsense(origin: FaultyOrigin, to: str):
    """urllib's opener would follow some of these."""
    origin.always(PATH, faults.redirect(to))

    with pytest.raises(Nonsense):
        read(origin.url + PATH)


def test_identity_is_asked_for_and_one_name_is_given(origin: FaultyOrigin):
    """A digest is of the file, not of a packed one."""
    read(origin.url + PATH, user_agent="vertebra-catalog/1.0")

    headers = origin.requests[0].headers
    assert headers["accept-encoding"] == "identity"
    assert headers["user-agent"] == "vertebra-catalog/1.0"


def test_a_signature_is_not_in_what_goes_wrong_behind_it(
    origin: FaultyOrigin, elsewhere: FaultyOrigin
):
    """The content network refuses; the error shows where, not with which signature."""
    origin.always(PATH, faults.redirect(elsewhere.url + PATH + "?Signature=hush"))
    elsewhere.always(PATH, faults.status(403, text="AccessDenied"))

    with pytest.raises(HttpFailure) as caught:
        read(origin.url + PATH, allowed_hosts=("127.0.0.1",))

    assert "hush" not in caught.value.sentence
    assert elsewhere.host in caught.value.sentence
