"""What a gateway is made of, and the configuration of Envoy that follows: `gateway.yaml`, filled
in. A function of values; nothing is started or written here."""

import base64
import json
from dataclasses import dataclass
from importlib.resources import files
from ipaddress import ip_address
from pathlib import Path
from string import Template
from typing import Any

from vertebra.gateway import encryption, fragments, overload, tokens
from vertebra.gateway.console_files import console_routes
from vertebra.gateway.descriptors import descriptor_set, service_names
from vertebra.gateway.tokens import Jwt

GATEWAY_PORT = 50550
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
ANY_HOST = ("*",)

INDENTS = {
    "jwt_authn": 10,
    "rbac": 10,
    "console_routes": 14,
    "other_hosts": 12,
    "issuer": 2,
    "heap_monitor": 2,
    "overload_actions": 2,
}
"""How far the lines that may be absent stand in `gateway.yaml`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenTls:
    """What the gateway shows its callers, and whom it lets in."""

    cert: Path
    key: Path
    client_ca: Path | None = None
    """Callers must show a certificate of this authority."""
    spiffe_ids: tuple[str, ...] = ()
    """Of those, only these: such as `spiffe://studio/ns/ml/sa/ann`, or `spiffe://studio/ns/ml/*`
    for all below it; none: all of the authority's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceTls:
    """How the gateway knows the services, and what it shows them."""

    ca: Path
    server_name: str = ""
    """The name in their certificates; empty: the host of the address."""
    cert: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A gateway: where it listens, what is behind it, and who may use it."""

    catalog: str
    """`host:port`."""
    trainer: str
    listen: str = f"127.0.0.1:{GATEWAY_PORT}"
    admin: str | None = None
    """Where Envoy's own pages are; anyone who reaches them can stop it. None: nowhere."""
    console_folder: Path | None = None
    """The console's built files; None: no console."""
    hosts: tuple[str, ...] = ()
    """Names under which it may be called, so that no page of elsewhere reaches it by a name of its
    own (DNS rebinding). None: this machine's own names where it listens on loopback, else any."""
    origins: tuple[str, ...] = ()
    """Pages of these origins may call, too, such as `https://console.studio.example`."""
    listen_tls: ListenTls | None = None
    service_tls: ServiceTls | None = None
    jwt: Jwt | None = None
    descriptor_file: Path | None = None
    """Where `write_descriptors` wrote; None: the descriptors stand in the configuration."""
    secrets_folder: Path | None = None
    """Where `write_secrets` wrote; None: certificates are read once, when Envoy starts."""
    memory_bytes: int | None = None
    """What Envoy may take; short of it calls are refused. None: whatever there is."""
    access_log: bool = False
    """One JSON line a call on stdout."""


def gateway_config(gateway: Gateway) -> str:
    """Return the configuration of Envoy, as YAML.

    Raises:
        ValueError: an address that is none.
        FileNotFoundError: the console is not built.
    """
    template = Template(files("vertebra.gateway").joinpath("gateway.yaml").read_text("utf-8"))
    return template.substitute(_fields(gateway))


def _fields(gateway: Gateway) -> dict[str, str]:
    """Return the text of every `${...}`: values, then lines that may be absent."""
    values = {
        "admin": fragments.admin(gateway.admin),
        "listen_address": fragments.listen_address(gateway.listen),
        "listen_tls": encryption.listen_tls(gateway),
        "access_log": fragments.access_log() if gateway.access_log else [],
        "services": service_names(),
        "hosts": list(hosts_of(gateway)),
        "origins": [{"exact": origin} for origin in gateway.origins],
        "catalog_address": fragments.address(gateway.catalog),
        "trainer_address": fragments.address(gateway.trainer),
        "catalog_tls": encryption.service_tls(gateway, gateway.catalog),
        "trainer_tls": encryption.service_tls(gateway, gateway.trainer),
    }
    lines = {
        "jwt_authn": tokens.jwt_filters(gateway.jwt),
        "rbac": fragments.rbac_filters(gateway.listen_tls),
        "console_routes": console_routes(gateway.console_folder) if gateway.console_folder else [],
        "other_hosts": _other_hosts(gateway),
        "issuer": tokens.issuer_clusters(gateway.jwt),
        "heap_monitor": overload.heap_monitor(gateway.memory_bytes),
        "overload_actions": overload.overload_actions(gateway.memory_bytes),
    }
    rendered = {name: json.dumps(value) for name, value in values.items()}
    rendered["descriptors"] = _descriptors(gateway.descriptor_file)
    return {**rendered, **{name: _items(items, name) for name, items in lines.items()}}


def _descriptors(file: Path | None) -> str:
    if file is None:
        encoded = base64.b64encode(descriptor_set()).decode()
        return f"proto_descriptor_bin: {json.dumps(encoded)}"
    return f"proto_descriptor: {json.dumps(str(file.absolute()))}"


def _other_hosts(gateway: Gateway) -> list[Any]:
    hosts = hosts_of(gateway)
    return [] if hosts == ANY_HOST else [fragments.refused_hosts(hosts)]


def _items(items: list[Any], name: str) -> str:
    """Return items of a list as lines below one another; a comment where there are none."""
    lines = [f"- {json.dumps(item)}" for item in items] or [f"# no {name}"]
    return f"\n{' ' * INDENTS[name]}".join(lines)


def hosts_of(gateway: Gateway) -> tuple[str, ...]:
    """Return the names under which it may be called, at any port.

    Raises:
        ValueError: one has a port.
    """
    for name in gateway.hosts:
        if ":" in name and not name.endswith("]"):
            raise ValueError(f"{name!r}: a gateway's names have no port; they count at any")
    own = LOOPBACK_NAMES if _is_loopback(gateway.listen) else ANY_HOST
    return gateway.hosts or own


def _is_loopback(listen: str) -> bool:
    host, _ = fragments.host_and_port(listen)
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
