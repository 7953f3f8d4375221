"""Certificates, proxies and times against real sockets."""

import logging
import socket
import threading
import time
from contextlib import contextmanager, suppress
from types import SimpleNamespace

import pytest

from catalog_service.weights.http.client import HttpClient
from catalog_service.weights.http.failures import HttpFailure, Nonsense, Unreachable
from catalog_service.weights.http.policy import HttpPolicy
from catalog_service.weights.http.watch import Watch
from tests.fakes import faults
from tests.fakes.faulty_origin import FaultyOrigin, faulty_origin
from tests.fakes.forward_proxy import forward_proxy

DATA = b"weights" * 1000
PATH = "/a.pth"
MANY_S = 60.0
"""Far beyond every timeout here, far below what an endless wait would take."""


@contextmanager
def listening(reply: bytes | None = None):
    """A port that says `reply` to one connection and closes it, or keeps it; yields its URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(MANY_S)
        host, port = server.getsockname()
        thread = threading.Thread(target=reply_once, args=(server, reply))
        if reply is not None:
            thread.start()
        yield f"http://{host}:{port}{PATH}"
        if reply is not None:
            thread.join()


def reply_once(server: socket.socket, reply: bytes) -> None:
    connection, _ = server.accept()
    with connection, suppress(OSError):
        connection.recv(4096)
        connection.sendall(reply)


def failure(url: str, **policy) -> HttpFailure:
    times = {"connect_timeout_s": 5.0, "stall_timeout_s": 5.0, "num_retries": 0}
    with pytest.raises(HttpFailure) as caught:
        HttpClient(HttpPolicy(**{**times, **policy})).open(url).close()
    return caught.value


def stage(found: HttpFailure) -> str:
    assert isinstance(found, Unreachable), found
    return found.stage


def read(url: str, **policy) -> bytes:
    with HttpClient(HttpPolicy(**policy)).open(url) as body:
        return b"".join(iter(lambda: body.read(4096), b""))


def test_a_name_that_does_not_exist_is_said_so():
    """RFC 6761: `.invalid` never resolves."""
    found = failure("http://nosuch.invalid/a.pth")

    assert stage(found) == "name"
    assert "nosuch.invalid" in found.sentence


def test_a_port_where_nobody_listens_is_said_so():
    """Refused."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    assert stage(failure(f"http://127.0.0.1:{port}/a.pth")) == "connect"


def test_a_server_that_never_answers_times_out():
    """It takes the connection and the request."""
    with listening() as url:
        assert stage(failure(url, stall_timeout_s=0.2)) == "timeout"


@pytest.mark.parametrize("tls", [False, True])
def test_a_server_that_drips_headers_times_out(tls: bool):
    """Every single byte comes in time; the naive timeout of a socket never ends it."""
    with faulty_origin(tls=tls) as origin:
        url = origin.add(PATH, DATA)
        origin.always(PATH, faults.drip_headers(every_s=0.05))
        began = time.monotonic()

        times = {"connect_timeout_s": 0.5, "stall_timeout_s": 0.5}
        found = failure(url, ca_bundle=origin.ca_bundle, **times)

    assert stage(found) == "timeout"
    assert time.monotonic() - began < MANY_S


def test_a_connection_that_is_made_after_the_deadline_is_shut_too():
    """A name that took long to look up: then there was no socket to shut yet."""
    one, other = socket.socketpair()
    with one, other, Watch(0.0) as watch:
        time.sleep(0.2)
        watch.noting(lambda: SimpleNamespace(sock=one))()
        other.settimeout(MANY_S)

        assert other.recv(1) == b""

    assert watch.has_fired


def test_a_connection_that_answered_in_time_stays_open():
    """The body has limits of its own."""
    one, other = socket.socketpair()
    with one, other:
        with Watch(0.2) as watch:
            watch.noting(lambda: SimpleNamespace(sock=one))()
        time.sleep(0.4)
        other.sendall(b"x")

        assert one.recv(1) == b"x"
        assert not watch.has_fired


@pytest.mark.parametrize("reply", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_what_is_no_http_is_nonsense(reply: bytes):
    """Another service on that port."""
    with listening(reply) as url:
        assert isinstance(failure(url), Nonsense)


def test_a_header_without_end_is_nonsense():
    """http.client gives up at 64 KiB a line."""
    with listening(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000) as url:
        assert isinstance(failure(url), Nonsense)


def test_lengths_that_contradict_each_other_are_nonsense():
    """RFC 9112, section 6.3: a sign of request smuggling."""
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde"
    with listening(reply) as url:
        assert isinstance(failure(url), Nonsense)


def test_headers_that_are_cut_make_no_empty_file():
    """http.client takes the end of the connection for the end of the headers."""
    with listening(b"HTTP/1.1 200 OK\r\nContent-Ty") as url, pytest.raises(Unreachable) as caught:
        read(url)

    assert caught.value.stage == "cut"


def test_a_connection_that_is_closed_without_an_answer_is_cut():
    """As a server does that restarts: worth asking again."""
    with listening(b"") as url:
        found = failure(url)

    assert (stage(found), found.passes) == ("cut", True)


def test_a_server_that_resets_is_cut():
    """RST in the body."""
    with faulty_origin() as origin:
        url = origin.add(PATH, DATA)
        origin.fault(PATH, faults.reset(100))

        with pytest.raises(Unreachable) as caught:
            read(url)

    assert caught.value.stage == "cut"


@pytest.fixture(scope="module")
def secure():
    with faulty_origin(tls=True) as running:
        running.add(PATH, DATA)
        yield running


def test_a_supplied_ca_bundle_is_trusted(secure: FaultyOrigin):
    """A company's own authority."""
    assert read(secure.url + PATH, ca_bundle=secure.ca_bundle) == DATA


def test_an_unknown_authority_is_refused_with_the_way_out(secure: FaultyOrigin):
    """No setting turns certificates off."""
    found = failure(secure.url + PATH)

    assert stage(found) == "tls"
    assert "CA bundle" in found.sentence


def test_a_certificate_of_another_host_is_refused(secure: FaultyOrigin):
    """It is for 127.0.0.1."""
    url = secure.url.replace("127.0.0.1", "localhost") + PATH

    assert stage(failure(url, ca_bundle=secure.ca_bundle)) == "tls"


def test_a_ca_bundle_that_is_not_there_is_named(secure: FaultyOrigin):
    """The setting is wrong, not the server."""
    found = failure(secure.url + PATH, ca_bundle="/nowhere/ca.pem")

    assert stage(found) == "tls"
    assert "/nowhere/ca.pem" in found.sentence


def test_plain_http_goes_through_the_proxy():
    """With the proxy's own credentials, which the server does not see."""
    with faulty_origin() as origin, forward_proxy("me:p@ss") as proxy:
        url = origin.add(PATH, DATA)

        assert read(url, proxy=proxy.url_with_credentials.replace("p@ss", "p%40ss")) == DATA
        assert proxy.asked == [f"GET {url}"]
        assert "proxy-authorization" in proxy.headers[0]


def test_https_goes_through_a_tunnel(secure: FaultyOrigin):
    """The proxy sees a host and no more; TLS ends at the server."""
    with forward_proxy("me:pw") as proxy:
        data = read(secure.url + PATH, proxy=proxy.url_with_credentials, ca_bundle=secure.ca_bundle)

        assert data == DATA
        assert proxy.asked == [f"CONNECT {secure.host}"]


def test_credentials_of_a_url_are_not_shown_to_a_proxy_as_part_of_it():
    """They travel in their header; the request line ends up in access logs."""
    with faulty_origin() as origin, forward_proxy() as proxy:
        url = origin.add(PATH, DATA)

        assert read(url.replace("http://", "http://me:secret@"), proxy=proxy.url) == DATA
        assert "secret" not in proxy.asked[0]


def test_a_proxy_that_is_down_is_named_without_its_password():
    """People must know which of the two it was."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    found = failure("http://mirror.lan/a.pth", proxy=f"http://me:secret@127.0.0.1:{port}")

    assert stage(found) == "connect"
    assert f"proxy 127.0.0.1:{port}" in found.sentence
    assert "secret" not in found.sentence


def test_a_proxy_that_wants_a_password_is_understood(secure: FaultyOrigin):
    """407, for http and for https."""
    with faulty_origin() as origin, forward_proxy("me:pw") as proxy:
        plain = failure(origin.add(PATH, DATA), proxy=proxy.url)
        tunnel = failure(secure.url + PATH, proxy=proxy.url, ca_bundle=secure.ca_bundle)

    assert "407" in plain.sentence
    assert "407" in tunnel.sentence


def test_proxies_of_the_environment_are_not_read(monkeypatch: pytest.MonkeyPatch):
    """Only settings say so."""
    with faulty_origin() as origin:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")

        assert read(origin.add(PATH, DATA)) == DATA


def test_the_library_never_logs_whole_urls(caplog: pytest.LogCaptureFixture):
    """Signatures are in queries; urllib3 logs those at DEBUG, and at WARNING for odd headers."""
    reply = b"HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 1\r\n\r\nx"
    with faulty_origin() as origin, listening(reply) as odd, caplog.at_level(logging.DEBUG):
        read(origin.add(PATH, DATA) + "?Signature=hush")
        read(odd + "?Signature=hush")

    assert "hush" not in caplog.text


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_a_body_in_chunks_arrives_whole():
    """Nobody says its length before."""
    with listening(CHUNKED + b"5\r\nabcde\r\n2\r\nfg\r\n0\r\n\r\n") as url:
        assert read(url) == b"abcdefg"


@pytest.mark.parametrize("rest", [b"5\r\nabc", b"5\r\nabcde\r\n", b"5\r\nabcde\r\nzz\r\n"])
def test_chunks_that_stop_are_no_end(rest: bytes):
    """Without the last, empty chunk the file is not whole; there is no length to tell."""
    with listening(CHUNKED + rest) as url, pytest.raises(Unreachable) as caught:
        read(url)

    assert caught.value.stage == "cut"
