"""Tokens that a gateway asks for: the filter of Envoy that checks them, and where the issuer's keys
come from.

A file of keys is read when Envoy starts and never again (1.40 takes `watched_directory` for it, and
does not look). Keys at a URL are fetched before the first call and again in the background.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from vertebra.gateway.encryption import known_server
from vertebra.gateway.fragments import Fragment, address, http_filter

FRESH_S = 600.0
"""As long as the services keep keys. Issuers publish a key well before they sign with it."""

FETCH_TIMEOUT_S = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class JwksUrl:
    """Where an issuer publishes its keys.

    Raises:
        ValueError: a URL in plain text, or with a password in it.
    """

    url: str
    """`https://...`; `http://` of this host alone."""
    ca: Path | None = None
    """PEM file with authorities of its server's certificate; for `https`."""
    fresh_s: float = FRESH_S

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if "@" in parts.netloc:
            raise ValueError("the URL of the issuer's keys has a password: public keys need none")
        is_here = parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")
        if not parts.hostname or not (self.is_tls or is_here):
            raise ValueError(
                f"{self.url!r}: the issuer's keys are in a file or at an https:// URL; in plain"
                " text they are anybody's"
            )
        if self.is_tls and self.ca is None:
            raise ValueError(f"{self.url!r}: by which authorities are these keys' server known?")

    @property
    def is_tls(self) -> bool:
        """Whether it is behind `https`."""
        return self.url.startswith("https:")

    @property
    def server(self) -> tuple[str, str]:
        """Its name, and `host:port`."""
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        port = parts.port or (443 if self.is_tls else 80)
        return host, f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Jwt:
    """Tokens that a caller must have; the services check them once more."""

    issuer: str
    audiences: tuple[str, ...]
    keys: Path | JwksUrl


def jwt_filters(jwt: Jwt | None) -> list[Fragment]:
    """Return what checks tokens of calls; the console's files and health need none."""
    if jwt is None:
        return []
    provider = {
        "issuer": jwt.issuer,
        "audiences": list(jwt.audiences),
        **_keys(jwt.keys),
        "forward": True,
        # As the services want it; by Envoy's own rule also in the URL, which ends up in logs.
        "from_headers": [{"name": "Authorization", "value_prefix": "Bearer "}],
        "require_expiration": True,
    }
    rules = [{"match": {"prefix": "/vertebra."}, "requires": {"provider_name": "vertebra"}}]
    config = {"providers": {"vertebra": provider}, "rules": rules, "bypass_cors_preflight": True}
    return [http_filter("jwt_authn", "jwt_authn.v3.JwtAuthentication", config)]


def issuer_clusters(jwt: Jwt | None) -> list[Fragment]:
    """Return the way to the issuer; nothing where its keys are in a file."""
    if jwt is None or isinstance(jwt.keys, Path):
        return []
    name, place = jwt.keys.server
    endpoint = {"endpoint": {"address": address(place)}}
    cluster: dict[str, Any] = {
        "name": "issuer",
        "type": "LOGICAL_DNS",
        "dns_lookup_family": "ALL",  # its name may have addresses that cannot be reached from here
        "connect_timeout": f"{FETCH_TIMEOUT_S}s",
        "load_assignment": {"cluster_name": "issuer", "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
    if jwt.keys.ca is not None and jwt.keys.is_tls:
        cluster["transport_socket"] = known_server(name, jwt.keys.ca)
    return [cluster]


def _keys(keys: Path | JwksUrl) -> Fragment:
    if isinstance(keys, Path):
        return {"local_jwks": {"filename": str(keys)}}
    where = {"uri": keys.url, "cluster": "issuer", "timeout": f"{FETCH_TIMEOUT_S}s"}
    return {
        "remote_jwks": {
            "http_uri": where,
            "cache_duration": f"{keys.fresh_s:g}s",
            "async_fetch": {"failed_refetch_duration": "5s"},
        }
    }
