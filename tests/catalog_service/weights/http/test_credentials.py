"""Which secret goes where."""

from catalog_service.weights.http.credentials import authorization, owns, without_secret
from catalog_service.weights.http.policy import HostToken, HttpPolicy

TOKEN = HostToken(host="huggingface.co", secret="hf_secret")
HUB = "https://huggingface.co/a"


def test_a_token_goes_to_its_own_host():
    """As a bearer."""
    assert authorization(HUB, first=HUB, token=TOKEN) == {"Authorization": "Bearer hf_secret"}


def test_a_token_goes_to_no_other_host():
    """Not to the content network, not to another port, not over plain http."""
    others = [
        "https://cdn-lfs.huggingface.co/a",
        "https://huggingface.co:8443/a",
        "http://huggingface.co/a",
        "https://huggingface.co.evil.example/a",
    ]

    assert [authorization(url, first=HUB, token=TOKEN) for url in others] == [{}] * 4


def test_a_token_of_a_url_is_for_its_port():
    """An endpoint of one's own may be plain http: its owner said so."""
    token = HostToken.for_url("http://hub.lan:8080/", "s")

    assert owns(token, "http://hub.lan:8080/x")
    assert not owns(token, "http://hub.lan/x")


def test_credentials_of_a_url_go_to_its_own_host():
    """Unquoted, as Basic."""
    first = "https://me:p%40ss@mirror.lan/a"

    assert authorization("https://mirror.lan/a", first=first, token=None) == {
        "Authorization": "Basic bWU6cEBzcw=="
    }
    assert authorization("https://cdn.lan/a", first=first, token=None) == {}


def test_secrets_are_not_in_a_repr():
    """Values end up in logs."""
    policy = HttpPolicy(token=TOKEN, proxy="http://me:hf_secret@proxy:3128")

    assert "hf_secret" not in repr(policy)


def test_a_server_that_repeats_the_token_is_not_quoted_with_it():
    """Its words go into errors."""
    assert without_secret("no such token hf_secret", TOKEN) == "no such token ***"
