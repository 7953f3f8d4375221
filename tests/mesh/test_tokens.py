"""A gateway that wants signed tokens lets nobody through without a good one."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from catalog_service.serving.access import AccessFile
from catalog_service.serving.doors import Doors
from catalog_service.serving.identity import Identity
from tests.fakes.authority import Issuer
from tests.fakes.dialects import ask_http, post
from tests.fakes.path_service import running_path_service
from vertebra.credentials import Credentials
from vertebra.diagnostics.v1.path_service_pb2 import EchoRequest
from vertebra.doctor.examine import examine
from vertebra.doctor.finding import Level
from vertebra.doctor.way import Way
from vertebra.gateway import Gateway, Jwt, running_gateway

ECHO = "/vertebra.diagnostics.v1.PathService/Echo"
TIMEOUT_S = 20
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


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder, issuer = tmp_path_factory.mktemp("guarded"), Issuer()
    (folder / "keys.json").write_bytes(issuer.key_set())
    jwt = Jwt(issuer=issuer.url, audiences=(issuer.audience,), jwks_file=folder / "keys.json")
    with ExitStack() as running:
        service = running.enter_context(running_path_service())
        gateway = Gateway(catalog=service, trainer=service, listen="127.0.0.1:0", jwt=jwt)
        started = running.enter_context(running_gateway(gateway, folder / "gateway"))
        yield Guarded(issuer=issuer, address=started.address)


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
