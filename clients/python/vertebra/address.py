"""What may be the address of a service; anything else is refused here, in a sentence.

gRPC takes almost any text: without a port it calls 443, and `http://` is part of a name to it.
"""

import re

SCHEMES = ("dns:", "ipv4:", "ipv6:", "unix:", "unix-abstract:", "vsock:", "xds:")
"""Forms that gRPC reads itself. Source: grpc/doc/naming.md; xds is gRFC A27."""

WEB = re.compile(r"(?P<scheme>https?://)(?P<rest>.*?)/*", re.IGNORECASE)

HOST_AND_PORT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[^\s:/\[\]]+)(:(?P<port>[0-9]{1,5}))?")
"""IPv6 stands in brackets: without, its end looks like a port."""

LARGEST_PORT = 65535


class AddressUnusable(Exception):
    """Nobody can be called there."""


def require_address(address: str, *, is_encrypted: bool = False) -> None:
    """Raise AddressUnusable where `address` is no `host:port` and nothing else that gRPC reads.

    Args:
        is_encrypted: then a port may be missing: it is 443.
    """
    if address.startswith(SCHEMES):
        return
    if web := WEB.fullmatch(address):
        how = "; --tls (tls=True) encrypts" if web["scheme"].lower() == "https://" else ""
        raise AddressUnusable(f"{address!r} is a URL: write {web['rest'] or 'host:port'}{how}")
    found = HOST_AND_PORT.fullmatch(address)
    if found is None or int(found["port"] or 0) > LARGEST_PORT:
        raise AddressUnusable(
            f"{address!r} is no address: write host:port, such as localhost:50551 or [::1]:50551"
        )
    if found["port"] is None and not is_encrypted:
        raise AddressUnusable(f"{address!r} has no port: write host:port, such as {address}:50551")
