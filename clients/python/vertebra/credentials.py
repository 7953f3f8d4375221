"""What a client shows a service, and what it wants to see: certificates, tokens, names.

Files are read again when they change: certificates and tokens are renewed while programs run. A
token leaves this machine only encrypted.
"""

import ipaddress
import os
from dataclasses import dataclass, field
from pathlib import Path


class CredentialsUnusable(Exception):
    """Credentials that contradict themselves, or files that cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """How to reach a service that wants more than an address.

    Raises:
        CredentialsUnusable: a certificate without its key, or two tokens.
    """

    tls: bool = False
    """Encrypt, and believe certificates that this machine's authorities vouch for."""
    ca: Path | None = None
    """PEM file of the authorities to believe instead; means `tls`."""
    cert: Path | None = None
    """PEM file of our own certificate, with what links it to its authority; means `tls`."""
    key: Path | None = None
    """PEM file of its private key."""
    token: str = field(default="", repr=False)
    """Sent with every call. A file is better: it can be renewed while a program runs."""
    token_file: Path | None = None
    """File with the token; read again when it changes."""
    server_name: str = ""
    """The name in the service's certificate, where it is not the address."""

    def __post_init__(self) -> None:
        if (self.cert is None) != (self.key is None):
            given, missing = ("a key", "certificate") if self.key else ("a certificate", "key")
            raise CredentialsUnusable(f"{given} without its {missing}: give both files")
        if self.token and not is_token(self.token):
            raise CredentialsUnusable("the token is not one word of ASCII: nobody could send it")
        if self.token and self.token_file:
            raise CredentialsUnusable("a token and a token file: give one of them")
        if self.server_name and not self.is_encrypted:
            raise CredentialsUnusable("a server name without TLS: nothing would compare it")

    @property
    def is_encrypted(self) -> bool:
        """Whether the channel is TLS."""
        return bool(self.tls or self.ca or self.cert)

    @property
    def has_token(self) -> bool:
        """Whether calls carry a token."""
        return bool(self.token or self.token_file)

    @property
    def certificate_files(self) -> tuple[Path, ...]:
        """Files of which a channel is made."""
        return tuple(file for file in (self.ca, self.cert, self.key) if file is not None)

    def require_fit_for(self, address: str) -> None:
        """Raise CredentialsUnusable where the token would travel readable for others."""
        if self.has_token and not self.is_encrypted and not is_loopback(address):
            raise CredentialsUnusable(
                f"the token is not sent to {address} in plain text: give the authority of its"
                " certificate (ca), or tls where this machine knows it already"
            )


PLAIN = Credentials()
"""Nothing shown, nothing asked: a service on this machine, or behind a mesh."""

_FILES = {"ca": "CA", "cert": "CERT", "key": "KEY", "token_file": "TOKEN_FILE"}
_YES, _NO = {"1", "true", "yes", "on"}, {"", "0", "false", "no", "off"}

VARIABLES = tuple(f"VERTEBRA_{name}" for name in ("TLS", *_FILES.values(), "TOKEN", "SERVER_NAME"))
"""Environment variables that `from_environment` reads."""


def from_environment() -> Credentials:
    """Return what VERTEBRA_TLS, _CA, _CERT, _KEY, _TOKEN, _TOKEN_FILE and _SERVER_NAME say.

    Raises:
        CredentialsUnusable: they contradict each other.
    """
    given = {name: os.environ.get(name, "").strip() for name in VARIABLES}
    tls = given["VERTEBRA_TLS"].lower()
    if tls not in _YES | _NO:
        raise CredentialsUnusable(f"VERTEBRA_TLS is 1 or 0, not {tls!r}")
    files = {field: given[f"VERTEBRA_{name}"] for field, name in _FILES.items()}
    return Credentials(
        tls=tls in _YES,
        token=given["VERTEBRA_TOKEN"],
        server_name=given["VERTEBRA_SERVER_NAME"],
        **{field: Path(path).expanduser() for field, path in files.items() if path},
    )


def is_token(text: str) -> bool:
    """Return whether a text can be sent as a token."""
    return text.isascii() and text.isprintable() and text != "" and " " not in text


def is_loopback(address: str) -> bool:
    """Return whether calls to `host:port` cannot leave this machine."""
    if address.startswith(("unix:", "unix-abstract:")):
        return True
    scheme, separator, rest = address.rpartition("/")
    if separator and scheme not in ("dns://", "ipv4:", "ipv6:"):
        return False
    host = rest.removeprefix("dns:").removeprefix("ipv4:").removeprefix("ipv6:")
    host = host.rpartition(":")[0] if not host.endswith("]") else host
    host = host.strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
