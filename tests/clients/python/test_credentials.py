"""What a client shows, when it shows nothing, and what a failed handshake is called."""

import datetime
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from tests.fakes.authority import Authority, replace
from tests.fakes.forward_proxy import forward_proxy
from vertebra.channel import open_channel
from vertebra.client_errors import HandshakeFailed, from_rpc_error
from vertebra.connection import Connection
from vertebra.credentials import Credentials, CredentialsUnusable, from_environment, is_loopback

TOKEN = "a-token-that-nobody-guesses"


class Server:
    """Answers who called: the token, and the certificate's serial number."""

    def __init__(self, credentials: grpc.ServerCredentials | None) -> None:
        self.may_end = threading.Event()
        self._pool = ThreadPoolExecutor(4)
        self._server = grpc.server(self._pool)
        handlers = {
            "Who": grpc.unary_unary_rpc_method_handler(self._who),
            "Follow": grpc.unary_stream_rpc_method_handler(self._follow),
        }
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("t.T", handlers),)
        )
        place = "127.0.0.1:0"
        port = (
            self._server.add_insecure_port(place)
            if credentials is None
            else self._server.add_secure_port(place, credentials)
        )
        self.address = f"127.0.0.1:{port}"
        self._server.start()

    def close(self) -> None:
        self.may_end.set()
        self._server.stop(None).wait()
        self._pool.shutdown()

    def _who(self, _: bytes, context: grpc.ServicerContext) -> bytes:
        shown = dict(context.invocation_metadata()).get("authorization", "")
        cert = context.auth_context().get("x509_pem_cert", [b""])[0]
        return shown.encode() + b"|" + cert

    def _follow(self, _: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        yield b"begun"
        assert self.may_end.wait(60)
        yield b"done"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """An authority, its files and servers."""

    folder: Path
    authority: Authority
    ca: Path
    stack: ExitStack

    def server(self, *, asks: bool = False, **wanted: object) -> Server:
        cert, key = self.authority.pair(**{"hosts": ["127.0.0.1"], **wanted})
        root = self.authority.pem if asks else None
        shown = grpc.ssl_server_credentials([(key, cert)], root, require_client_auth=asks)
        return self._kept(Server(shown))

    def plain(self) -> Server:
        return self._kept(Server(None))

    def _kept(self, server: Server) -> Server:
        self.stack.callback(server.close)
        return server


@pytest.fixture
def world(tmp_path) -> Iterator[World]:
    authority = Authority()
    with ExitStack() as stack:
        yield World(folder=tmp_path, authority=authority, ca=authority.file(tmp_path), stack=stack)


@contextmanager
def opened(server: Server, credentials: Credentials) -> Iterator[grpc.Channel]:
    own = (("grpc.use_local_subchannel_pool", 1),)
    with open_channel(server.address, credentials, options=own) as channel:
        yield channel


def ask(channel: grpc.Channel) -> tuple[bytes, bytes]:
    token, _, cert = channel.unary_unary("/t.T/Who")(b"", timeout=60).partition(b"|")
    return token, cert


def test_a_token_is_shown_with_every_call_and_read_again_when_it_changes(world):
    file = world.folder / "token"
    file.write_text(f"{TOKEN}\n")
    with opened(world.server(), Credentials(ca=world.ca, token_file=file)) as channel:
        assert ask(channel)[0] == f"Bearer {TOKEN}".encode()
        replace(file, b"another\n")
        assert ask(channel)[0] == b"Bearer another"
        file.write_text("")  # half-written
        assert ask(channel)[0] == b"Bearer another"


def test_a_renewed_certificate_is_shown_by_the_next_call_and_cuts_none(world):
    cert, key = world.authority.files(world.folder, "ann", uris=["spiffe://studio/ann"])
    server = world.server(asks=True)
    with opened(server, Credentials(ca=world.ca, cert=cert, key=key)) as channel:
        who, follow = channel.unary_unary("/t.T/Who"), channel.unary_stream("/t.T/Follow")
        first = who(b"", timeout=60)
        stream = follow(b"")
        assert next(stream) == b"begun"

        world.authority.files(world.folder, "ann", uris=["spiffe://studio/ann"])
        second = who(b"", timeout=60)
        server.may_end.set()

        assert list(stream) == [b"done"]
        assert first != second
        assert second.endswith(cert.read_bytes())


def test_half_written_certificates_are_passed_over(world):
    cert, key = world.authority.files(world.folder, "ann", uris=["spiffe://studio/ann"])
    with opened(world.server(asks=True), Credentials(ca=world.ca, cert=cert, key=key)) as channel:
        before = ask(channel)
        new_cert, new_key = world.authority.pair(uris=["spiffe://studio/ann"])
        cert.write_bytes(new_cert[:200])
        assert ask(channel) == before
        cert.write_bytes(new_cert)  # the key is still the old one's
        assert ask(channel) == before
        key.write_bytes(new_key)
        assert ask(channel)[1] == new_cert


def test_a_token_leaves_this_machine_only_encrypted():
    shown = Credentials(token=TOKEN)
    for address in ("studio.example:50551", "10.0.0.7:50551", "dns:///studio.example:1", "[::2]:1"):
        with pytest.raises(CredentialsUnusable, match="plain text") as refused:
            Connection(address, credentials=shown)
        assert TOKEN not in str(refused.value)
    assert TOKEN not in repr(shown)


@pytest.mark.parametrize("shown", [Credentials(), Credentials(token=TOKEN)])
def test_calls_on_this_machine_pass_no_proxy(world, monkeypatch, shown):
    """gRPC by itself asks the proxy of the environment for any address."""
    server = world.plain()
    with forward_proxy() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        with opened(server, shown) as channel:
            ask(channel)
        asked_by_ours = len(proxy.asked)
        own = (("grpc.use_local_subchannel_pool", 1),)
        with grpc.insecure_channel(server.address, options=own) as naive:
            ask(naive)

    assert (asked_by_ours, len(proxy.asked)) == (0, 1)


@pytest.mark.parametrize(
    ("address", "is_so"),
    [
        ("localhost:1", True),
        ("127.0.0.1:1", True),
        ("[::1]:1", True),
        ("unix:/tmp/a", True),
        ("dns:///localhost:1", True),
        ("ipv4:127.0.0.1:1", True),
        ("localhost.evil.example:1", False),
        ("127.0.0.1.evil.example:1", False),
        ("dns://127.0.0.1/evil.example:1", False),
        ("xds:///localhost:1", False),
        ("0.0.0.0:1", False),
        ("", False),
    ],
)
def test_which_addresses_are_this_machine(address, is_so):
    assert is_loopback(address) is is_so


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"cert": Path("a")}, "a certificate without its key"),
        ({"key": Path("a")}, "a key without its certificate"),
        ({"token": "a", "token_file": Path("b")}, "give one of them"),
        ({"token": "secret\nword"}, "^the token is not one word of ASCII: nobody could send it$"),
        ({"token": "secret\u200b"}, "^the token is not one word of ASCII: nobody could send it$"),
        ({"server_name": "a"}, "without TLS"),
    ],
)
def test_what_contradicts_itself_is_refused(wanted, told):
    with pytest.raises(CredentialsUnusable, match=told):
        Credentials(**wanted)


def test_files_that_do_not_fit_are_named(world):
    cert, _ = world.authority.files(world.folder, "ann")
    _, other = world.authority.files(world.folder, "bob")
    (world.folder / "empty").write_text("")
    (world.folder / "two").write_text("a b\n")
    for wanted, told in (
        ({"ca": world.folder / "none"}, "none: No such file"),
        ({"ca": world.folder / "empty"}, "empty holds no certificates"),
        ({"cert": cert, "key": other}, "are not a certificate and its private key"),
        ({"token_file": world.folder / "empty"}, "does not hold one token"),
        ({"token_file": world.folder / "two"}, "does not hold one token"),
    ):
        with pytest.raises(CredentialsUnusable, match=told):
            open_channel("localhost:1", Credentials(**wanted))


def test_the_environment_says_the_same(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith("VERTEBRA_")]:
        monkeypatch.delenv(name)
    assert from_environment() == Credentials()
    for name, value in {"CA": "/a", "CERT": "/b", "KEY": "/c", "TOKEN_FILE": "/d"}.items():
        monkeypatch.setenv(f"VERTEBRA_{name}", value)
    monkeypatch.setenv("VERTEBRA_SERVER_NAME", "catalog.studio")

    assert from_environment() == Credentials(
        ca=Path("/a"),
        cert=Path("/b"),
        key=Path("/c"),
        token_file=Path("/d"),
        server_name="catalog.studio",
    )


def test_a_handshake_that_fails_is_said_in_words(world):
    ann = dict(zip(("cert", "key"), world.authority.files(world.folder, "ann"), strict=True))
    stranger = Authority("a stranger").file(world.folder, "stranger.pem")
    late = world.server(life=-datetime.timedelta(hours=1))
    tls, asking, plain = world.server(), world.server(asks=True), world.plain()
    for server, shown, told in (
        (tls, Credentials(), "it may want TLS"),
        (plain, Credentials(ca=world.ca), "does not speak TLS"),
        (tls, Credentials(ca=stranger), "an authority that we do not know"),
        (tls, Credentials(ca=world.ca, server_name="other"), "a certificate of another name"),
        (late, Credentials(ca=world.ca), "has expired"),
        (asking, Credentials(ca=world.ca), "or a certificate of ours"),
    ):
        once = (("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1))
        with open_channel(server.address, shown, options=once) as channel:
            with pytest.raises(grpc.RpcError) as failed:
                ask(channel)
            failure = from_rpc_error(failed.value, server.address)
            assert isinstance(failure, HandshakeFailed)
            assert told in failure.message
    with opened(asking, Credentials(ca=world.ca, **ann)) as channel:
        assert ask(channel)
