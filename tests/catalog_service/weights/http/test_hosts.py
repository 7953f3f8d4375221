"""Where a request may go, and how a URL is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3.util import parse_url

from catalog_service.weights.http.failures import HostRefused, Nonsense
from catalog_service.weights.http.hosts import host_and_port, is_allowed, parsed, redirected, shown

HUB = "https://huggingface.co/facebook/x/resolve/main/model.safetensors"
MIRROR = "http://mirror.lan/weights/a.pth"


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://HuggingFace.co/x", "huggingface.co:443"),
        ("http://mirror.lan./x", "mirror.lan:80"),
        ("http://[::1]:8080/x", "[::1]:8080"),
        ("https://user:pw@mirror.lan:8443/x", "mirror.lan:8443"),
    ],
)
def test_a_host_is_known_with_its_port(url: str, wanted: str):
    """Case, a final dot and credentials make no other host."""
    assert host_and_port(url) == wanted


@pytest.mark.parametrize(
    "url", ["ftp://a/x", "file:///etc/passwd", "a.pth", "http:///x", "http://a:b/"]
)
def test_what_is_no_http_url_is_nonsense(url: str):
    """No other scheme is ever followed."""
    with pytest.raises(Nonsense):
        parsed(url)


def test_a_url_is_shown_without_credentials_query_and_fragment():
    """Signatures and passwords stay out of logs and errors."""
    assert shown("https://me:secret@cdn.lan:8/a.pth?Signature=s#f") == "https://cdn.lan:8/a.pth"


@pytest.mark.parametrize("url", ["http://[/x?token=s", "http://a:b@[?s"])
def test_a_url_that_cannot_be_read_shows_nothing_of_itself(url: str):
    """It may have a secret in it."""
    assert shown(url) == "(unreadable URL)"


@pytest.mark.parametrize(
    ("first", "url", "allowed", "wanted"),
    [
        (MIRROR, "http://mirror.lan/b", (), True),
        (MIRROR, "https://mirror.lan/b", (), True),
        (MIRROR, "http://mirror.lan:8080/b", (), False),
        (MIRROR, "http://mirror.lan.evil.example/b", (), False),
        (MIRROR, "http://127.0.0.1/b", (), False),
        (HUB, "https://cdn-lfs.huggingface.co/b", (), True),
        (HUB, "https://cas-bridge.xethub.hf.co/b", (), True),
        (HUB, "https://hf.co.evil.example/b", (), False),
        (HUB, "https://evilhf.co/b", (), False),
        (HUB, "http://cdn-lfs.huggingface.co/b", (), False),
        (HUB, "https://cdn-lfs.huggingface.co:8443/b", (), False),
        (MIRROR, "https://cdn-lfs.huggingface.co/b", (), False),
        (MIRROR, "http://cdn.lan/b", ("mirror.lan", "cdn.lan"), True),
        (MIRROR, "http://cdn.lan:81/b", ("cdn.lan:80",), False),
        (MIRROR, "http://cdn.lan/b", ("cdn.lan:80",), True),
        (MIRROR, "http://a.cdn.lan/b", ("*.cdn.lan",), True),
        (MIRROR, "http://cdn.lan/b", ("*.cdn.lan",), False),
        (MIRROR, "http://acdn.lan/b", ("*.cdn.lan",), False),
        (MIRROR, MIRROR, ("cdn.lan",), False),
        ("http://[::1]:8/a", "http://[::1]:8/b", ("[::1]",), True),
        ("http://[::1]:8/a", "http://[::1]:9/b", ("[::1]:8",), False),
    ],
)
def test_only_listed_hosts_are_allowed(
    first: str, url: str, allowed: tuple[str, ...], wanted: bool
):
    """Without a list: the same host and port, and where it is known to redirect."""
    assert is_allowed(url, first=first, allowed=allowed) is wanted


@pytest.mark.parametrize(
    ("location", "wanted"),
    [
        ("/b", "http://mirror.lan/b"),
        ("b?x=1#f", "http://mirror.lan/weights/b?x=1"),
        ("//mirror.lan/b", "http://mirror.lan/b"),
        ("http://evil:pw@mirror.lan/b", "http://mirror.lan/b"),
    ],
)
def test_a_redirect_is_read_relative_to_where_it_came_from(location: str, wanted: str):
    """Credentials and fragments that the server adds are dropped."""
    assert redirected(MIRROR, location, first=MIRROR, allowed=()) == wanted


@pytest.mark.parametrize(
    "location",
    [
        "http://evil.example/b",
        "//evil.example/b",
        "http://mirror.lan@evil.example/b",
        "http://mirror.lan:80@evil.example/b",
        "http://evil.example\\@mirror.lan/b",
        "http://evil.example#@mirror.lan/b",
        "http://evil.example?@mirror.lan/b",
        "http://169.254.169.254/latest/meta-data",
    ],
)
def test_a_redirect_elsewhere_is_refused_by_name(location: str):
    """Also where the URL is written to look like the right host."""
    with pytest.raises(HostRefused, match=r"evil\.example|169\.254"):
        redirected(MIRROR, location, first=MIRROR, allowed=())


@pytest.mark.parametrize("url", ["ftp://mirror.lan/x", "http://[::1", "x", ""])
def test_what_is_no_url_is_not_allowed(url: str):
    """Users register URLs, and lists of hosts have patterns."""
    assert not is_allowed(url, first=MIRROR, allowed=("mirror.lan", "x", "*"))


def test_a_refusal_says_what_to_list_where():
    """Both hosts: a list replaces what is allowed without one."""
    with pytest.raises(HostRefused) as caught:
        redirected(MIRROR, "https://cdn.lan/b?Signature=s", first=MIRROR, allowed=())

    assert caught.value.sentence == (
        "host 'cdn.lan:443' is not allowed and was sent nothing (http://mirror.lan/weights/a.pth "
        "redirects to it); if it is trusted, list it beside 'mirror.lan:80' in "
        "VERTEBRA_CATALOG_ALLOWED_HOSTS (of mirrors: in VERTEBRA_CATALOG_HTTP)"
    )


def test_a_redirect_from_https_to_http_is_refused():
    """Even to the same host: the bytes and the token would go in the open."""
    with pytest.raises(HostRefused, match="plain http"):
        redirected("https://a.lan/x", "http://a.lan/x", first="https://a.lan/x", allowed=("a.lan",))


@pytest.mark.parametrize("location", ["", "file:///etc/passwd", "ftp://mirror.lan/x", "data:,x"])
def test_a_redirect_to_nothing_useful_is_nonsense(location: str):
    """Only http and https."""
    with pytest.raises(Nonsense):
        redirected(MIRROR, location, first=MIRROR, allowed=())


ODD = st.text("htps:/[]@#?%.\\\r\n ax1é-", max_size=30) | st.text(max_size=30)


@given(ODD, st.sampled_from(["", "http://", "//", "http://[", "https://a@", "http://mirror.lan"]))
def test_whatever_a_server_writes_is_allowed_refused_or_nonsense(text: str, before: str):
    """And what is allowed is the mirror itself, in the eyes of the parser that connects."""
    try:
        goes = redirected(MIRROR, before + text, first=MIRROR, allowed=())
    except (HostRefused, Nonsense) as failure:
        assert failure.sentence
    else:
        assert parse_url(goes).host in {"mirror.lan", "mirror.lan."}
        assert shown(goes)
