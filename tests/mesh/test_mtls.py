"""Who gets through a gateway that asks for certificates, and who the service takes them for."""

import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import grpc
import pytest

from catalog_service.serving.access import AccessFile
from catalog_service.serving.certificates import CertificateFiles, Certificates
from catalog_service.serving.doors import Doors
from catalog_service.serving.identity import Identity
from tests.fakes.authority import Authority
from tests.fakes.path_service import running_path_service
from vertebra.client_errors import RpcFailed
from vertebra.credentials import Credentials
from vertebra.diagnostics.v1 import path_service_pb2 as pb
from vertebra.doctor import arrival, browsers, reach
from vertebra.doctor.way import Way
from vertebra.gateway import Gateway, ListenTls, ServiceTls, gateway_config, running_gateway

ANN = "spiffe://studio/ns/ml/sa/ann"
OPS = "spiffe://studio/ns/ops/sa/zoe"
BOB = "spiffe://studio/ns/web/sa/bob"
GATEWAY = "spiffe://studio/ns/edge/sa/gateway"
ACCESS = f"""
[[caller]]
name = "spiffe://studio/ns/ml/*"
roles = ["user"]
[[caller]]
name = "{OPS}"
roles = ["operator"]
"""
TIMEOUT_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Mesh:
    """A gateway with mTLS on both of its sides."""

    folder: Path
    authority: Authority
    address: str

    def way(self, name: str, authority: Authority | None = None) -> Way:
        """Return the way of a caller with a certificate in that name; empty: with none."""
        ca = self.authority.file(self.folder)
        if not name:
            return Way(address=self.address, credentials=Credentials(ca=ca))
        cert, key = (authority or self.authority).files(self.folder, "caller", uris=[name])
        return Way(address=self.address, credentials=Credentials(ca=ca, cert=cert, key=key))


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    """Start a service that believes the gateway, and the gateway before it."""
    folder, authority = tmp_path_factory.mktemp("mesh"), Authority()
    ca = authority.file(folder)
    hosts = ["127.0.0.1", "localhost"]
    served = authority.files(folder, "service", hosts=hosts)
    edge = authority.files(folder, "edge", hosts=hosts, uris=[GATEWAY])
    with ExitStack() as running:
        service = running.enter_context(running_path_service(doors(folder, served, ca)))
        gateway = Gateway(
            catalog=service,
            trainer=service,
            listen="127.0.0.1:0",
            listen_tls=ListenTls(
                cert=edge[0], key=edge[1], client_ca=ca, spiffe_ids=("spiffe://studio/ns/ml/*", OPS)
            ),
            service_tls=ServiceTls(ca=ca, cert=edge[0], key=edge[1]),
        )
        started = running.enter_context(running_gateway(gateway, folder / "gateway"))
        yield Mesh(folder=folder, authority=authority, address=started.address)


def doors(folder: Path, pair: tuple[Path, Path], ca: Path) -> Doors:
    """Return doors that open for the gateway, and believe whom it names."""
    (folder / "access.toml").write_text(ACCESS)
    access = AccessFile(folder / "access.toml")
    return Doors(
        certificates=Certificates(CertificateFiles(cert=pair[0], key=pair[1], client_ca=ca)),
        access=access,
        identity=Identity(access, mesh_identities=[GATEWAY]),
    )


def echo(way: Way, *metadata: tuple[str, str]) -> pb.EchoResponse:
    with way.stub() as stub:
        return stub.Echo(pb.EchoRequest(), timeout=TIMEOUT_S, metadata=metadata)


@pytest.mark.parametrize("name", [ANN, OPS])
def test_callers_of_the_list_get_through_and_the_service_knows_them(mesh: Mesh, name: str) -> None:
    assert echo(mesh.way(name)).principal == name


def test_a_caller_who_is_not_on_the_list_is_stopped_at_the_gateway(mesh: Mesh) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        echo(mesh.way(BOB))

    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert "RBAC" in refused.value.details()


def test_nobody_becomes_somebody_else_by_a_header(mesh: Mesh) -> None:
    forged = ("x-forwarded-client-cert", f"URI={OPS}")

    assert echo(mesh.way(ANN), forged).principal == ANN


def test_a_caller_without_a_certificate_gets_no_connection(mesh: Mesh) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        echo(mesh.way(""))

    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


def test_a_certificate_of_another_authority_gets_no_connection(mesh: Mesh) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        echo(mesh.way(ANN, Authority("somebody else")))

    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


def unreached(way: Way) -> str:
    """Return what the doctor says of a way on which nothing comes through."""
    with pytest.raises(RpcFailed) as failed:
        arrival.call_through(way)
    return reach.judged(way, failed.value).seen


def test_the_doctor_knows_what_encryption_wants(mesh: Mesh) -> None:
    ann = mesh.way(ANN).credentials
    strange = Authority("strange").file(mesh.folder, "strange.pem")

    assert "speaks TLS" in unreached(Way(address=mesh.address))
    assert "wants a certificate" in unreached(mesh.way(""))
    assert "authority" in unreached(Way(address=mesh.address, credentials=replace(ann, ca=strange)))
    assert "another name" in unreached(
        Way(address=mesh.address, credentials=replace(ann, server_name="other.example"))
    )
    with running_path_service() as plain:
        assert "TLS" in unreached(Way(address=plain, credentials=Credentials(ca=ann.ca)))


def test_the_doctor_speaks_with_certificates_in_every_dialect(mesh: Mesh) -> None:
    way = mesh.way(ANN)
    seen = {one.check: one.seen for one in arrival.judged(way, arrival.call_through(way))}

    assert browsers.spoken(way) == ["gRPC-Web", "Connect", "JSON"]
    assert seen["who you are"] == ANN
    assert seen["encryption"].startswith("TLS both ways")


def test_a_pattern_with_a_star_in_its_middle_is_refused(tmp_path: Path) -> None:
    tls = ListenTls(
        cert=tmp_path / "c", key=tmp_path / "k", client_ca=tmp_path / "ca", spiffe_ids=("a*b",)
    )

    with pytest.raises(ValueError, match="only at the end"):
        gateway_config(Gateway(catalog="h:1", trainer="h:2", listen_tls=tls))


def test_a_renewed_certificate_is_shown_without_a_restart(mesh: Mesh) -> None:
    def shown() -> str:
        host, _, port = mesh.address.rpartition(":")
        return ssl.get_server_certificate((host, int(port)), timeout=TIMEOUT_S)

    before, deadline = shown(), time.monotonic() + TIMEOUT_S
    mesh.authority.files(mesh.folder, "edge", hosts=["127.0.0.1"], uris=[GATEWAY])
    while shown() == before:
        assert time.monotonic() < deadline, "the old certificate is still shown"
        time.sleep(0.05)

    assert echo(mesh.way(ANN)).principal == ANN
