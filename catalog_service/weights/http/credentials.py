"""Which secret goes to which host: each to its own, and to no other. Pure."""

import base64
from urllib.parse import unquote

from catalog_service.weights.http.hosts import host_and_port, parsed
from catalog_service.weights.http.policy import HostToken

HIDDEN = "***"


def authorization(url: str, *, first: str, token: HostToken | None) -> dict[str, str]:
    """Return the Authorization header of a request to `url`, or nothing.

    Args:
        first: where the request began; `user:password@` in it is for its own host and port.
    """
    if owns(token, url):
        assert token is not None
        return {"Authorization": f"Bearer {token.secret}"}
    pair = parsed(first).auth
    if pair and host_and_port(url) == host_and_port(first):
        encoded = base64.b64encode(unquote(pair).encode()).decode()
        return {"Authorization": f"Basic {encoded}"}
    return {}


def owns(token: HostToken | None, url: str) -> bool:
    """Return whether a token is meant for the host and port of `url`; without a port: https's."""
    if token is None:
        return False
    wanted = token.host.lower()
    return host_and_port(url) == (wanted if _has_port(wanted) else f"{wanted}:443")


def without_secret(text: str, token: HostToken | None) -> str:
    """Return a server's words without our token, should it repeat it."""
    return text.replace(token.secret, HIDDEN) if token and token.secret else text


def _has_port(host: str) -> bool:
    return host.rpartition(":")[2].isdigit() and not host.endswith("]")
