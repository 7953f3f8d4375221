"""Where a server listens."""

import re
from dataclasses import dataclass
from ipaddress import ip_address

from catalog_service.errors import Precondition

_ADDRESS = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[^\s:\[\]]+):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """A host and a port; port 0 lets the system choose."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Listen":
        """Return the address for `host:port`; an IPv6 host stands in brackets.

        Raises:
            ValueError: anything else.
        """
        found = _ADDRESS.fullmatch(text.strip())
        if found is None or int(found["port"]) > 65535:
            raise ValueError("should be host:port, such as 127.0.0.1:50551 or [::1]:50551")
        return cls(host=found["host"], port=int(found["port"]))

    @property
    def is_loopback(self) -> bool:
        """Return whether only this host can connect."""
        try:
            return ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return self.host == "localhost"

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class PortUnavailable(Precondition):
    """The port cannot be listened on."""

    reason = "PORT_UNAVAILABLE"
