"""Process 1 asks where the trainer's own setting says that it answers."""

import pytest

from trainer_service.container.__main__ import live_url, options


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        ("0.0.0.0:50562", "http://127.0.0.1:50562/live"),
        ("127.0.0.1:9", "http://127.0.0.1:9/live"),
        ("[::]:9", "http://[::1]:9/live"),
        ("10.1.2.3:9", "http://10.1.2.3:9/live"),
        ("127.0.0.1:0", ""),
        ("", ""),
    ],
)
def test_a_place_to_listen_is_a_url_to_ask(listen, url):
    assert live_url(listen) == url


def test_the_variable_is_named_and_a_url_goes_first(monkeypatch):
    monkeypatch.setenv("ADMIN", "0.0.0.0:7")
    words = ["--live-of=ADMIN", "--", "sleep"]

    assert options(words).live_url == "http://127.0.0.1:7/live"
    assert options(["--live=http://a/b", *words]).live_url == "http://a/b"
    assert options(["--", "sleep"]).live_url == ""
