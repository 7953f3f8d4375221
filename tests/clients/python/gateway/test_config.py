"""The configuration that a gateway becomes: whole, and as it was asked for."""

import base64
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from vertebra.gateway import Gateway, Jwt, ListenTls, ServiceTls, gateway_config
from vertebra.gateway.config import hosts_of
from vertebra.gateway.descriptors import descriptor_set, service_names

PROTOS = Path(__file__).parents[4] / "protos"
TRANSCODER = "envoy.filters.http.grpc_json_transcoder"
PLAIN = Gateway(catalog="catalog:50551", trainer="trainer:50552")


def manager_of(gateway: Gateway) -> dict[str, Any]:
    """Return the HttpConnectionManager."""
    read = yaml.safe_load(gateway_config(gateway))
    (listener,) = read["static_resources"]["listeners"]
    return listener["filter_chains"][0]["filters"][0]["typed_config"]


def filters_of(gateway: Gateway) -> list[str]:
    """Return the names of the filters in their order."""
    names = [one["name"] for one in manager_of(gateway)["http_filters"]]
    return [name.removeprefix("envoy.filters.http.") for name in names]


def transcoders_of(gateway: Gateway) -> list[dict[str, Any]]:
    """Return how JSON is translated on each route to a service."""
    vertebra = manager_of(gateway)["route_config"]["virtual_hosts"][0]
    routes = [one for one in vertebra["routes"] if "route" in one]
    return [one["typed_per_filter_config"][TRANSCODER] for one in routes]


def test_every_service_of_the_contract_can_be_called_in_json() -> None:
    written = [
        f"{re.search(r'^package (.*);', text, re.M)[1]}.{name}"
        for file in PROTOS.rglob("*.proto")
        for text in [file.read_text()]
        for name in re.findall(r"^service (\w+)", text, re.M)
    ]

    assert service_names() == sorted(written)
    assert all(one["services"] == sorted(written) for one in transcoders_of(PLAIN))


def test_the_descriptors_hold_every_import_before_what_imports_it() -> None:
    files = FileDescriptorSet.FromString(descriptor_set()).file
    seen: set[str] = set()
    for file in files:
        assert set(file.dependency) <= seen
        seen.add(file.name)

    assert "google/rpc/error_details.proto" in seen


def test_a_gateway_asks_for_nothing_unless_told_to() -> None:
    assert filters_of(PLAIN) == [
        "cors",
        "grpc_web",
        "connect_grpc_bridge",
        "grpc_json_transcoder",
        "router",
    ]


def test_tokens_and_callers_are_checked_before_anything_is_translated() -> None:
    file = Path("/tls/file.pem")
    strict = Gateway(
        catalog="catalog:50551",
        trainer="trainer:50552",
        listen_tls=ListenTls(cert=file, key=file, client_ca=file, spiffe_ids=("spiffe://a/b",)),
        service_tls=ServiceTls(ca=file),
        jwt=Jwt(issuer="https://login", audiences=("vertebra",), keys=file),
    )

    assert filters_of(strict)[:4] == ["cors", "jwt_authn", "rbac", "grpc_web"]
    config = gateway_config(strict)
    assert '"require_client_certificate": true' in config
    assert '"sni": "trainer"' in config


def test_every_route_to_a_service_has_no_timeout_and_repeats_only_what_did_not_arrive() -> None:
    (vertebra, _) = manager_of(PLAIN)["route_config"]["virtual_hosts"]
    routes = [one["route"] for one in vertebra["routes"] if "route" in one]

    assert len(routes) > 5
    assert {one["timeout"] for one in routes} == {"0s"}
    assert {one["retry_policy"]["retry_on"] for one in routes} == {"connect-failure,refused-stream"}


@pytest.mark.parametrize(
    ("listen", "named", "hosts"),
    [
        ("0.0.0.0:1", (), ("*",)),
        ("0.0.0.0:1", ("a.example",), ("a.example",)),
        ("127.0.0.2:1", (), ("localhost", "127.0.0.1", "[::1]")),
    ],
)
def test_a_gateway_on_loopback_is_called_by_loopbacks_names(
    listen: str, named: tuple[str, ...], hosts: tuple[str, ...]
) -> None:
    gateway = Gateway(catalog="c:1", trainer="t:1", listen=listen, hosts=named)

    assert hosts_of(gateway)[:3] == hosts


def test_a_name_with_a_port_is_refused() -> None:
    with pytest.raises(ValueError, match="no port"):
        hosts_of(Gateway(catalog="c:1", trainer="t:1", hosts=("a.example:8443",)))


@pytest.mark.parametrize("address", ["catalog", "catalog:", "catalog:99999", "a b:1", ""])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        gateway_config(Gateway(catalog=address, trainer="t:1"))


def test_a_console_that_is_not_built_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="make console"):
        gateway_config(Gateway(catalog="c:1", trainer="t:1", console_folder=tmp_path))


def test_names_of_files_cannot_leave_their_place_in_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("")
    (tmp_path / 'a"}, {x: ${listen_tls}\n- y.js').write_text("")
    gateway = Gateway(catalog="c:1", trainer="t:1", console_folder=tmp_path)

    (vertebra, _) = manager_of(gateway)["route_config"]["virtual_hosts"]
    paths = [one["match"].get("path") for one in vertebra["routes"]]

    assert '/a"}, {x: ${listen_tls}\n- y.js' in paths


def test_the_descriptors_stand_in_the_configuration_unless_there_is_a_file() -> None:
    held = {base64.b64decode(one["proto_descriptor_bin"]) for one in transcoders_of(PLAIN)}

    assert held == {descriptor_set()}
