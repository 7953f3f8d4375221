"""Pieces of Envoy's configuration that depend on how a gateway is set up, as its JSON has them."""

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vertebra.gateway.config import ListenTls

Fragment = dict[str, Any]

TYPES = "type.googleapis.com/envoy.extensions"
_ADDRESS = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[^\s:\[\]]+):(?P<port>[0-9]{1,5})")


def host_and_port(address: str) -> tuple[str, int]:
    """Return both parts; an IPv6 host comes without brackets. Raises ValueError."""
    found = _ADDRESS.fullmatch(address)
    if found is None or int(found["port"]) > 65535:
        raise ValueError(f"no address {address!r}; should be host:port, such as 127.0.0.1:50550")
    return found["host"].strip("[]"), int(found["port"])


def address(text: str) -> Fragment:
    """Return an address of a listener or a service; `localhost` is IPv4's, as services have it."""
    host, port = host_and_port(text)
    literal = "127.0.0.1" if host == "localhost" else host
    return {"socket_address": {"address": literal, "port_value": port}}


def listen_address(text: str) -> Fragment:
    """Return an address to listen on; `[::]` is IPv4's, too."""
    found = address(text)
    if found["socket_address"]["address"] == "::":
        found["socket_address"]["ipv4_compat"] = True
    return found


def admin(text: str | None) -> Fragment:
    """Return where Envoy's own pages are, if anywhere."""
    return {"address": address(text)} if text else {}


def access_log() -> list[Fragment]:
    """Return one JSON line a call on stdout, with who cut it (`flags`)."""
    fields = {
        "time": "%START_TIME%",
        "method": "%REQ(:METHOD)%",
        "path": "%PATH(NQ:ORIG_OR_PATH)%",
        "status": "%RESPONSE_CODE%",
        "grpc_status": "%GRPC_STATUS%",
        "flags": "%RESPONSE_FLAGS%",
        "details": "%RESPONSE_CODE_DETAILS%",
        "duration_ms": "%DURATION%",
        "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
        "request_id": "%REQ(X-REQUEST-ID)%",
        "upstream": "%UPSTREAM_HOST%",
    }
    typed = {
        "@type": f"{TYPES}.access_loggers.stream.v3.StdoutAccessLog",
        "log_format": {"json_format": fields},
    }
    return [{"name": "stdout", "typed_config": typed}]


def rbac_filters(tls: "ListenTls | None") -> list[Fragment]:
    """Return who of those with a certificate may call; nothing where all may."""
    if tls is None or not tls.spiffe_ids:
        return []
    principals = [{"authenticated": {"principal_name": _pattern(one)}} for one in tls.spiffe_ids]
    policy = {"permissions": [{"any": True}], "principals": principals}
    rules = {"action": "ALLOW", "policies": {"vertebra": policy}}
    return [http_filter("rbac", "rbac.v3.RBAC", {"rules": rules})]


def refused_hosts(hosts: tuple[str, ...]) -> Fragment:
    """Return the answer to calls under any other name."""
    body = f"this gateway is called {', '.join(hosts)}; a call under another name is refused\n"
    answer = {"status": 421, "body": {"inline_string": body}}
    return {
        "name": "others",
        "domains": ["*"],
        "routes": [{"match": {"prefix": "/"}, "direct_response": answer}],
    }


def _pattern(spiffe_id: str) -> Fragment:
    below, star, rest = spiffe_id.partition("*")
    if rest or (star and not below.endswith("/")):
        raise ValueError(f"{spiffe_id!r}: a star stands only at the end, after a slash")
    return {"prefix": below} if star else {"exact": spiffe_id}


def http_filter(name: str, kind: str, config: Fragment) -> Fragment:
    """Return a filter of calls as a listener has it."""
    typed = {"@type": f"{TYPES}.filters.http.{kind}", **config}
    return {"name": f"envoy.filters.http.{name}", "typed_config": typed}
