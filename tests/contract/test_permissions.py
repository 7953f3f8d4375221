"""Every rpc of both running services in every role: let in as the table says, or refused unread.

What is sent is no message: who is let in hears that it cannot be decoded, and who is not let in
does not even hear that.
"""

import hashlib
import importlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from google.protobuf.descriptor import FileDescriptor, MethodDescriptor

import vertebra
from catalog_service.serving.permissions import (
    ROLES,
    Permission,
    permission_table,
    roles_with,
)
from catalog_service.serving.principals import Role
from tests.fakes.authority import Authority, Issuer
from tests.services import running_catalog, running_trainer
from vertebra.channel import open_channel
from vertebra.client_errors import RpcFailed, from_rpc_error
from vertebra.credentials import Credentials
from vertebra.trainer_client import TrainerClient

ROLE_NAMES = tuple(role.value for role in Role)
NOT_A_MESSAGE = b"\xff"
TRAINER = "spiffe://studio/ns/ml/sa/trainer"


def service_files() -> list[FileDescriptor]:
    """Return every file of the contract with a service."""
    root = Path(vertebra.__file__).parent
    files = [path.relative_to(root.parent) for path in root.rglob("*_service_pb2.py")]
    assert len(files) > 5
    return [importlib.import_module(".".join(f.with_suffix("").parts)).DESCRIPTOR for f in files]


def methods_of(package: str) -> list[MethodDescriptor]:
    """Return the rpcs that a service process has: its own area, blobs and diagnostics."""
    areas = (f"vertebra.{package}.", "vertebra.blob.", "vertebra.diagnostics.")
    return [
        method
        for file in service_files()
        if file.package.startswith(areas)
        for service in file.services_by_name.values()
        for method in service.methods
    ]


def path_of(method: MethodDescriptor) -> str:
    return f"/{method.containing_service.full_name}/{method.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """Both services behind TLS, with what each caller shows: a name -> credentials."""

    addresses: dict[str, str]
    shown: dict[str, Credentials]
    folder: Path
    authority: Authority
    log: Path


def access_file(folder: Path) -> Path:
    """Write rows for a token, a certificate and a subject in each role."""
    rows = [f'[[caller]]\nname = "{TRAINER}"\nroles = ["user"]\n']
    for role in ROLE_NAMES:
        digest = hashlib.sha256(f"secret-of-{role}".encode()).hexdigest()
        rows += [
            f'[[caller]]\nname = "token:{role}"\nroles = ["{role}"]\ntoken_sha256 = "{digest}"\n',
            f'[[caller]]\nname = "spiffe://studio/{role}/*"\nroles = ["{role}"]\n',
        ]
    (folder / "access.toml").write_text("\n".join(rows))
    return folder / "access.toml"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory) -> Iterator[Guarded]:
    """The catalog asks for certificates, the trainer takes tokens of both kinds."""
    home = tmp_path_factory.mktemp("guarded")
    authority, issuer = Authority(), Issuer()
    ca = authority.file(home)
    cert, key = authority.files(home, "server", hosts=["127.0.0.1"])
    (home / "keys.json").write_bytes(issuer.key_set())
    tls = {"TLS_CERT": cert, "TLS_KEY": key, "ACCESS": access_file(home)}
    own = dict(zip(("cert", "key"), authority.files(home, "own", uris=[TRAINER]), strict=True))
    jwt = {"JWT_ISSUER": issuer.url, "JWT_AUDIENCE": "vertebra", "JWT_KEYS": home / "keys.json"}
    catalog_says = {**tls, "TLS_CLIENT_CA": ca}
    trainer_says = {
        **tls,
        **jwt,
        "CATALOG_CA": ca,
        **{f"CATALOG_{name.upper()}": path for name, path in own.items()},
    }
    with ExitStack() as stack:
        catalog = stack.enter_context(
            running_catalog(home / "catalog", **variables("CATALOG", catalog_says))
        )
        trainer = stack.enter_context(
            running_trainer(home / "trainer", catalog, **variables("TRAINER", trainer_says))
        )
        shown = {
            f"trainer {role}": Credentials(ca=ca, token=f"secret-of-{role}") for role in ROLE_NAMES
        }
        for role in ROLE_NAMES:
            pair = authority.files(home, role, uris=[f"spiffe://studio/{role}/ann"])
            shown[f"catalog {role}"] = Credentials(ca=ca, cert=pair[0], key=pair[1])
        stranger = authority.files(home, "stranger", uris=["spiffe://elsewhere/ann"])
        shown["catalog nobody"] = Credentials(ca=ca, cert=stranger[0], key=stranger[1])
        shown["trainer nobody"] = Credentials(ca=ca, token=issuer.token(sub="nobody"))
        yield Guarded(
            addresses={"catalog": catalog.address, "trainer": trainer.address},
            shown=shown,
            folder=home,
            authority=authority,
            log=trainer.log,
        )


def variables(service: str, values: dict[str, object]) -> dict[str, str]:
    return {f"VERTEBRA_{service}_{name}": str(value) for name, value in values.items()}


def outcome(channel: grpc.Channel, method: MethodDescriptor) -> RpcFailed:
    """Return what becomes of a call whose request is no message."""
    path = path_of(method)
    try:
        if method.client_streaming:
            channel.stream_unary(path)(iter([NOT_A_MESSAGE]), timeout=60)
        elif method.server_streaming:
            list(channel.unary_stream(path)(NOT_A_MESSAGE, timeout=60))
        else:
            channel.unary_unary(path)(NOT_A_MESSAGE, timeout=60)
    except grpc.RpcError as error:
        return from_rpc_error(error, "it")
    raise AssertionError(f"{path} takes anything")


def test_every_rpc_of_the_contract_has_a_row_and_every_row_an_rpc():
    written = {path for path in permission_table() if path.startswith("/vertebra.")}
    services = (s for file in service_files() for s in file.services_by_name.values())

    assert written == {path_of(method) for service in services for method in service.methods}


def test_larger_roles_may_do_all_that_smaller_ones_may():
    assert ROLES[Role.VIEWER] < ROLES[Role.USER] < ROLES[Role.OPERATOR] == frozenset(Permission)


@pytest.mark.parametrize("service", ["catalog", "trainer"])
@pytest.mark.parametrize("role", [*ROLE_NAMES, "nobody"])
def test_every_rpc_lets_a_role_in_as_the_table_says(guarded, service, role, counted):
    table, methods = permission_table(), methods_of(service)
    with open_channel(guarded.addresses[service], guarded.shown[f"{service} {role}"]) as channel:
        reasons = {path_of(method): outcome(channel, method).reason for method in methods}

    allowed = {path for path, reason in reasons.items() if reason == "REQUEST_UNDECODABLE"}
    assert set(reasons.values()) <= {"REQUEST_UNDECODABLE", "ROLE_MISSING"}
    assert allowed == {
        path for path in reasons if role in {one.value for one in roles_with(table[path])}
    }
    assert len(reasons) > 15
    print(f"{service} as {role}: {len(allowed)} of {len(reasons)} rpcs let in")
    counted(roles=1, rpcs=len(reasons), let_in=len(allowed))


@pytest.mark.parametrize("service", ["catalog", "trainer"])
def test_who_shows_nothing_gets_nothing_but_health(guarded, service):
    ca = guarded.shown["trainer user"].ca
    with open_channel(guarded.addresses[service], Credentials(ca=ca)) as channel:
        for method in methods_of(service)[:3]:
            # The catalog asks for a certificate: without one there is no connection.
            code = outcome(channel, method).code
            wanted = {"catalog": "UNAVAILABLE", "trainer": "UNAUTHENTICATED"}
            assert code.name == wanted[service]
    if service == "trainer":
        with open_channel(guarded.addresses[service], Credentials(ca=ca)) as channel:
            health = channel.unary_unary("/grpc.health.v1.Health/Check")
            assert health(b"", timeout=60) == b"\x08\x01"


def test_the_trainer_asks_the_catalog_by_its_own_certificate(guarded):
    """Only the catalog knows what is close to a name that there is not."""
    spec = {
        "model": {"backbone": "resnet51", "pretrained": False},
        "dataset": {"bundled_digits": {}},
        "num_epochs": 1,
    }
    user = guarded.shown["trainer user"]
    with (
        TrainerClient(guarded.addresses["trainer"], credentials=user) as trainer,
        pytest.raises(RpcFailed, match="closest are resnet50") as failed,
    ):
        trainer.plan(spec)

    assert failed.value.reason == "ARCHITECTURE_NOT_FOUND"


def test_no_handshake_fails_while_certificates_change(guarded):
    own = (("grpc.use_local_subchannel_pool", 1),)
    for _ in range(10):
        guarded.authority.files(guarded.folder, "server", hosts=["127.0.0.1"])
        for service, address in guarded.addresses.items():
            shown = guarded.shown[f"{service} viewer"]
            with open_channel(address, shown, options=own) as channel:
                health = channel.unary_unary("/grpc.health.v1.Health/Check")
                assert health(b"", timeout=60) == b"\x08\x01"


def test_no_secret_is_in_the_log(guarded):
    log = guarded.log.read_text()

    assert '"principal": "token:viewer"' in log
    assert "secret-of-" not in log and "PRIVATE KEY" not in log
