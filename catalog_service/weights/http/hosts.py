"""Which hosts a request may go to, and how a URL is shown to people. Pure.

One parser reads every URL here and connects later, so no two readings of a URL can differ.
"""

from collections.abc import Sequence
from urllib.parse import urljoin

from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from catalog_service.weights.http.failures import HostRefused, Nonsense

DEFAULT_PORTS = {"http": 80, "https": 443}

KNOWN_REDIRECTS = {
    "huggingface.co": ("*.huggingface.co", "*.hf.co"),
    "github.com": ("*.githubusercontent.com",),
}
"""Where big files of well-known publishers really lie: the hub's content networks
(cdn-lfs.huggingface.co, cas-bridge.xethub.hf.co) and the store of release assets."""


def parsed(url: str) -> Url:
    """Return the parts of an http or https URL with a host.

    Raises:
        Nonsense: it is none.
    """
    try:
        parts = parse_url(url)
    except LocationParseError:
        raise Nonsense("a URL that cannot be read") from None
    if parts.scheme not in DEFAULT_PORTS or not parts.host:
        raise Nonsense(f"{shown(url)!r} is no http or https URL with a host")
    return parts


def host_and_port(url: str) -> str:
    """Return `host:port`, in lower case, with the scheme's port where none is written."""
    parts = parsed(url)
    host = (parts.host or "").lower().rstrip(".")
    return f"{host}:{parts.port or DEFAULT_PORTS[parts.scheme or 'https']}"


def shown(url: str) -> str:
    """Return a URL without credentials, query and fragment: fit for logs, trails and errors."""
    try:
        parts = parse_url(url)
    except LocationParseError:
        return "(unreadable URL)"
    return str(parts._replace(auth=None, query=None, fragment=None))


def is_allowed(url: str, *, first: str, allowed: Sequence[str]) -> bool:
    """Return whether a request that began at `first` may go to `url`.

    Without a list it may go to the same host and port, from http to https of the same host,
    and to where the first host is known to redirect. Never to what is no URL.
    """
    try:
        host, _, port = host_and_port(url).rpartition(":")
    except Nonsense:
        return False
    if allowed:
        return any(_matches(pattern, host, port) for pattern in allowed)
    own, _, own_port = host_and_port(first).rpartition(":")
    if host == own and (port == own_port or (own_port, port) == ("80", "443")):
        return True
    return port == "443" and any(_matches(p, host, port) for p in KNOWN_REDIRECTS.get(own, ()))


def redirected(url: str, location: str, *, first: str, allowed: Sequence[str]) -> str:
    """Return where a redirect leads; credentials that a server put into it are dropped.

    Raises:
        HostRefused: to a host that is not allowed, or from https to http.
        Nonsense: to nowhere, or to something that is no http.
    """
    if not location:
        raise Nonsense(f"{shown(url)} redirects without saying where")
    target = parsed(_joined(url, location))
    came, goes = parsed(url), str(target._replace(auth=None, fragment=None))
    if came.scheme == "https" and target.scheme == "http":
        raise HostRefused(f"{shown(url)} redirects from https to plain http at {target.host!r}")
    if not is_allowed(goes, first=first, allowed=allowed):
        raise refused(goes, came_from=url)
    return goes


def refused(url: str, *, came_from: str = "") -> HostRefused:
    """Return the failure of a host that is not on the list.

    Args:
        came_from: the URL that redirects to it; its host must be on the list too.
    """
    host = host_and_port(url)
    how = f"{shown(came_from)} redirects to it" if came_from else "the URL names it"
    beside = f" beside {host_and_port(came_from)!r}" if came_from else ""
    return HostRefused(
        f"host {host!r} is not allowed and was sent nothing ({how}); if it is trusted, list it"
        f"{beside} in VERTEBRA_CATALOG_ALLOWED_HOSTS (of mirrors: in VERTEBRA_CATALOG_HTTP)"
    )


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:  # an address in brackets that is none
        raise Nonsense(f"{shown(url)} redirects to a URL that cannot be read") from None


def _matches(pattern: str, host: str, port: str) -> bool:
    name, colon, wanted_port = pattern.lower().rpartition(":")
    if not colon or "]" in wanted_port:
        name, wanted_port = pattern.lower(), ""
    if wanted_port and wanted_port != port:
        return False
    return host.endswith(name[1:]) if name.startswith("*.") else host == name
