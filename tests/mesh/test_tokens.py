"""A gateway that wants signed tokens lets nobody through without a good one."""

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import grpc
import pytest

from catalog_service.serving.access import AccessFile
from catalog_service.serving.doors import Doors
from catalog_service.serving.identity import Identity
from tests.fakes.authority import Authority, Issuer
from tests.fakes.dialects import ask_http, post
from tests.fakes.path_service import running_path_service
from vertebra.credentials import Credentials
from vertebra.diagnostics.v1.path_service_pb2 import EchoRequest
from vertebra.doctor.examine import examine
from vertebra.doctor.finding import Level
from vertebra.doctor.way import Way
from vertebra.gateway import Gateway, JwksUrl, Jwt, running_gateway

ECHO = "/vertebra.diagnostics.v1.PathService/Echo"
TIMEOUT_S = 60
PATIENCE_S = 120
REFUSALS = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)
"""The second is Envoy's answer to another audience."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """A gateway and who signs tokens for it."""

    issuer: Issuer
    address: str

    def echo(self, token: str) -> None:
        """Call with a token; empty: with none."""
        with Way(address=self.address, credentials=Credentials(token=token)).stub() as stub:
            stub.Echo(EchoRequest(), timeout=TIMEOUT_S)


@contextmanager
def guarded_by(issuer: Issuer, keys: Path | JwksUrl, folder: Path) -> Iterator[Guarded]:
    """Yield a gateway before a service that asks nobody."""
    jwt = Jwt(issuer=issuer.url, audiences=(issuer.audience,), keys=keys)
    with ExitStack() as running:
        service = running.enter_context(running_path_service())
        gateway = Gateway(catalog=service, trainer=service, listen="127.0.0.1:0", jwt=jwt)
        started = running.enter_context(running_gateway(gateway, folder / "gateway"))
        yield Guarded(issuer=issuer, address=started.address)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder, issuer = tmp_path_factory.mktemp("guarded"), Issuer()
    (folder / "keys.json").write_bytes(issuer.key_set())
    with guarded_by(issuer, folder / "keys.json", folder) as started:
        yield started


@dataclass(slots=True, kw_only=True)
class PublishedKeys:
    """What an issuer shows."""

    content: bytes


@contextmanager
def publishing(keys: PublishedKeys, certificate: tuple[Path, Path]) -> Iterator[int]:
    """Yield the port of an HTTPS server that shows keys."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = keys.content
            self.send_response(200)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


def test_a_good_token_gets_through(guarded: Guarded) -> None:
    guarded.echo(guarded.issuer.token())


@pytest.mark.parametrize(
    "changes", [{"exp": 1}, {"exp": None}, {"aud": "others"}, {"iss": "https://evil.example"}, None]
)
def test_a_token_that_is_not_good_is_refused(
    guarded: Guarded, changes: dict[str, object] | None
) -> None:
    token = "" if changes is None else guarded.issuer.token(**changes)

    with pytest.raises(grpc.RpcError) as refused:
        guarded.echo(token)

    assert refused.value.code() in REFUSALS


def test_a_token_that_somebody_else_signed_is_refused(guarded: Guarded) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        guarded.echo(Issuer().token())

    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_keys_at_a_url_are_fetched_again(tmp_path: Path) -> None:
    """By TLS, of a server that is known by the named authority."""
    authority, old, new = Authority(), Issuer(), Issuer("second")
    published = PublishedKeys(content=old.key_set())
    certificate = authority.files(tmp_path, "issuer", hosts=["localhost"])
    with ExitStack() as running:
        port = running.enter_context(publishing(published, certificate))
        keys = JwksUrl(
            url=f"https://localhost:{port}/keys", ca=authority.file(tmp_path), fresh_s=0.5
        )
        guarded = running.enter_context(guarded_by(old, keys, tmp_path))
        guarded.echo(old.token())
        with pytest.raises(grpc.RpcError):
            guarded.echo(new.token())

        published.content = new.key_set()

        assert _is_soon_let_in(guarded, new.token())
        with pytest.raises(grpc.RpcError):
            guarded.echo(old.token())


def test_keys_of_a_server_that_is_not_known_let_nobody_in(tmp_path: Path) -> None:
    """Whoever answers under the issuer's name could else sign for anybody."""
    issuer, stranger = Issuer(), Authority()
    certificate = stranger.files(tmp_path, "issuer", hosts=["localhost"])
    with ExitStack() as running:
        port = running.enter_context(
            publishing(PublishedKeys(content=issuer.key_set()), certificate)
        )
        keys = JwksUrl(url=f"https://localhost:{port}/keys", ca=Authority().file(tmp_path))
        guarded = running.enter_context(guarded_by(issuer, keys, tmp_path))

        with pytest.raises(grpc.RpcError) as refused:
            guarded.echo(issuer.token())

    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


def _is_soon_let_in(guarded: Guarded, token: str) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with suppress(grpc.RpcError):
            guarded.echo(token)
            return True
    return False


def test_json_without_a_token_is_refused_and_liveness_is_not(guarded: Guarded) -> None:
    assert post(guarded.address, ECHO, "{}")[0] == 401
    assert ask_http(guarded.address, "GET", "/healthz")[0] == 200


def test_a_token_in_a_url_is_none(guarded: Guarded) -> None:
    """URLs are written into logs. Envoy takes one from `access_token` unless told."""
    in_url = f"{ECHO}?access_token={guarded.issuer.token()}"

    assert post(guarded.address, in_url, "{}")[0] == 401
    assert (
        post(guarded.address, ECHO, "{}", authorization=f"Bearer {guarded.issuer.token()}")[0]
        == 200
    )


def test_the_doctor_of_a_viewer_says_what_it_could_not_ask(tmp_path: Path) -> None:
    """Streams and failures are for those who may diagnose; the rest is found out all the same."""
    (tmp_path / "access.toml").write_text('[[caller]]\nname = "anonymous"\nroles = ["viewer"]\n')
    access = AccessFile(tmp_path / "access.toml")
    with running_path_service(Doors(access=access, identity=Identity(access))) as address:
        report = examine(Way(address=address), hold_s=1.0)

    levels = {one.check: one.level for one in report.findings}
    unknown = {check for check, level in levels.items() if level is Level.UNKNOWN}
    assert unknown == {"long streams", "silent streams", "repeats", "pings"}
    assert levels["requests"] is Level.OK
    assert report.is_good
    assert all("viewer" in one.seen for one in report.findings if one.check in unknown)
