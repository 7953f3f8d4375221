"""The keys of whoever signs tokens: asked for seldom, kept while their source is away."""

import asyncio
import gzip
import json
import socket
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from catalog_service.serving import jwks
from catalog_service.serving.jwks import (
    IssuerKeys,
    KeysUnavailable,
    KeyTiming,
    key_source,
    keys_in,
    require_key_place,
)
from tests.fakes.authority import Issuer
from tests.fakes.in_loop import in_loop, until


class Source:
    """Keys that can be changed and taken away, and a clock that is set by hand."""

    def __init__(self) -> None:
        self.issuer = Issuer("first")
        self.num_asked = 0
        self.error: Exception | None = None
        self.now = 1000.0
        self.may_answer = threading.Event()
        self.may_answer.set()

    def fetch(self) -> bytes:
        self.num_asked += 1
        assert self.may_answer.wait(60)
        if self.error is not None:
            raise self.error
        return self.issuer.key_set()

    def keys(self) -> IssuerKeys:
        return IssuerKeys(self.fetch, KeyTiming(clock=lambda: self.now))


@in_loop
async def test_known_keys_ask_nobody_again():
    source = Source()
    keys = source.keys()

    for _ in range(100):
        assert await keys.key("first")

    assert source.num_asked == 1


@in_loop
async def test_a_flood_of_unknown_key_ids_asks_once_a_minute(counted):
    source = Source()
    keys = source.keys()
    assert await keys.key("first")
    source.now += 61

    found = await asyncio.gather(*(keys.key(f"made-up-{number}") for number in range(500)))

    assert (set(found), source.num_asked) == ({None}, 2)
    for number in range(50):
        assert await keys.key(f"one-after-the-other-{number}") is None
    assert source.num_asked == 2
    source.now += 61
    await keys.key("made-up")
    assert source.num_asked == 3
    counted(unknown_key_ids=550)


@in_loop
async def test_a_new_key_is_found_at_once_when_the_minute_has_passed():
    source = Source()
    keys = source.keys()
    assert await keys.key("first")
    source.issuer.key_id = "second"
    source.now += 61

    assert await keys.key("second")


@in_loop
async def test_keys_stay_while_their_source_is_away(caplog):
    source = Source()
    keys = source.keys()
    assert await keys.key("first")
    source.error = OSError("connection refused")
    source.now += 100_000

    assert await keys.key("first")
    await until(lambda: "connection refused" in caplog.text)
    assert await keys.key("first")


@in_loop
async def test_old_keys_are_fetched_again_beside_the_calls_that_use_them():
    source = Source()
    keys = source.keys()
    assert await keys.key("first")
    source.now += 601
    source.may_answer.clear()

    assert await keys.key("first")

    source.may_answer.set()
    await until(lambda: source.num_asked == 2)


@in_loop
async def test_without_any_keys_the_caller_is_told_to_come_back():
    source = Source()
    source.error = OSError("connection refused")

    with pytest.raises(KeysUnavailable) as refused:
        await source.keys().key("first")

    assert refused.value.retry_after_s == 60


@in_loop
async def test_a_token_without_key_id_has_the_only_key():
    source = Source()

    assert await source.keys().key("")


def document(*rows: object) -> bytes:
    return json.dumps({"keys": rows}).encode()


def public(key: rsa.RSAPrivateKey, **more: str) -> dict:
    return {**jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), **more}


def test_weak_secret_and_foreign_keys_are_left_out():
    good = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    curve = jwt.algorithms.ECAlgorithm.to_jwk(
        ec.generate_private_key(ec.SECP256R1()).public_key(), as_dict=True
    )

    keys = keys_in(
        document(
            public(good, kid="good"),
            public(weak, kid="weak"),
            public(good, kid="encryption", use="enc"),
            {"kty": "oct", "kid": "secret", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"},
            {"kty": "new", "kid": "unknown"},
            {"kid": "empty"},
            "nonsense",
            {**curve, "kid": "curve"},
        )
    )

    assert set(keys) == {"good", "curve"}


def test_a_private_key_published_by_mistake_verifies_and_cannot_sign():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    row = jwt.algorithms.RSAAlgorithm.to_jwk(key, as_dict=True)

    found = keys_in(document({**row, "kid": "k"}))

    assert not hasattr(found["k"].key, "sign")


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"keys": 7}', b'{"keys": []}', b"[" * 100_000, b"\xff"]
)
def test_other_documents_are_refused(content):
    with pytest.raises(ValueError, match="keys"):
        keys_in(content)


@pytest.mark.parametrize(
    "place", ["http://login.studio/keys", "https://me:pw@login.studio/keys", "ftp://a/b"]
)
def test_keys_in_plain_text_and_passwords_are_refused(place):
    with pytest.raises(ValueError, match=r"https|password"):
        require_key_place(place)


@contextmanager
def http_source(answer: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/keys"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_keys_come_from_a_url():
    content = Issuer().key_set()

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None: ...

    with http_source(Keys) as url:
        fetch, _ = key_source(url)
        assert set(keys_in(fetch())) == {"first"}


def test_a_redirect_is_not_followed():
    class Moved(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("location", "http://127.0.0.1:1/keys")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with http_source(Moved) as url, pytest.raises(ValueError, match="answers 302"):
        key_source(url)[0]()


def test_a_packed_document_is_not_unpacked():
    """A megabyte that becomes a gigabyte would be read whole before anybody could measure it."""
    packed = gzip.compress(bytes(64 << 20))

    class Packed(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-encoding", "gzip")
            self.end_headers()
            self.wfile.write(packed)

        def log_message(self, *_: object) -> None: ...

    with http_source(Packed) as url:
        tracemalloc.start()
        document = key_source(url)[0]()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert most < 4 << 20
    with pytest.raises(ValueError, match="no JSON Web Key Set"):
        keys_in(document)


def test_a_source_that_drips_is_given_up(monkeypatch):
    monkeypatch.setattr(jwks, "FETCH_TIMEOUT_S", 0.3)
    is_over = threading.Event()

    class Dripping(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            while not is_over.wait(0.02):
                try:
                    self.wfile.write(b" ")
                except OSError:
                    return

        def log_message(self, *_: object) -> None: ...

    with http_source(Dripping) as url:
        try:
            with pytest.raises(OSError, match="within"):
                key_source(url)[0]()
        finally:
            is_over.set()


def test_nobody_there_is_said_without_what_the_url_asks():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/keys?token=hidden"
        with pytest.raises(OSError, match="cannot get") as failed:
            key_source(url)[0]()

    assert "hidden" not in str(failed.value)
