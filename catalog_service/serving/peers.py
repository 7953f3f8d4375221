"""Who calls, as gRPC names the other end of a connection."""

import ipaddress
from urllib.parse import unquote


def is_on_this_host(peer: str) -> bool:
    """Return whether a peer connected over loopback or a Unix socket.

    A proxy on this host does, too, on behalf of callers that are elsewhere.

    Args:
        peer: `ServicerContext.peer()`: `ipv4:127.0.0.1:5000`, `ipv6:%5B::1%5D:5000`, `unix:...`.
    """
    kind, _, rest = unquote(peer).partition(":")
    if kind in ("unix", "unix-abstract"):
        return True
    if kind not in ("ipv4", "ipv6"):
        return False
    host = rest.rpartition(":")[0].strip("[]")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
