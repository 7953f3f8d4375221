"""What a location's HTTP requests may do. Values only."""

import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from catalog_service.errors import listed
from catalog_service.weights.http.failures import Nonsense
from catalog_service.weights.http.hosts import host_and_port, parsed

_HOST_PATTERN = re.compile(r"(\*\.)?[\w-]+(\.[\w-]+)*(:\d{1,5})?|\[[0-9a-fA-F:.]+\](:\d{1,5})?")

USER_AGENT = "vertebra-catalog"


def checked_proxy(url: str) -> str:
    """Return the URL of a proxy, or nothing for none.

    Raises:
        ValueError: it is no URL of one; the message does not repeat it.
    """
    if url and not _can_be_asked(url):
        raise ValueError("no URL of a proxy; http://proxy.lan:3128 is one")
    return url


def checked_urls(urls: tuple[str, ...]) -> tuple[str, ...]:
    """Return the URLs of servers.

    Raises:
        ValueError: some cannot be asked; the message does not repeat them.
    """
    wrong = [url for url in urls if not _can_be_asked(url)]
    if wrong:
        one = "https://mirror.lan/weights is one"
        raise ValueError(f"{len(wrong)} of {len(urls)} are no http or https URLs; {one}")
    return urls


def _can_be_asked(url: str) -> bool:
    try:
        parsed(url)
    except Nonsense:
        return False
    return True


def checked_bundle(path: Path | None) -> Path | None:
    """Return a file or folder of certificates.

    Raises:
        ValueError: it cannot be read, or holds none.
    """
    if path is None or path.is_dir():
        return path
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        raise ValueError("no certificates in PEM") from None
    except OSError as error:
        raise ValueError(f"it cannot be read: {error.strerror}") from None
    return path


def checked_token(text: str) -> str:
    """Return a token for a header, without blanks around it.

    Raises:
        ValueError: no header may hold it; the message does not repeat it.
    """
    token = text.strip()
    if not re.fullmatch(r"[!-~]*", token):
        raise ValueError("no token: it has blanks, line ends or other than ASCII inside")
    return token


def checked_hosts(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Return a list of allowed hosts.

    Raises:
        ValueError: some of it could never match a host, such as a URL.
    """
    wrong = [pattern for pattern in patterns if not _HOST_PATTERN.fullmatch(pattern)]
    if wrong:
        raise ValueError(f"no host: {listed(wrong)}; `host`, `host:port` and `*.domain` are")
    return patterns


@dataclass(frozen=True, slots=True, kw_only=True)
class HostToken:
    """A bearer token and the one host that may see it.

    Attributes:
        host: `huggingface.co` (then https on its usual port only) or `127.0.0.1:8080`.
        secret: never shown.
    """

    host: str
    secret: str = field(repr=False)

    @classmethod
    def for_url(cls, url: str, secret: str) -> "HostToken":
        """Return a token for the host and port of `url`, such as the hub's endpoint."""
        return cls(host=host_and_port(url), secret=secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpPolicy:
    """The rules of one location.

    Attributes:
        connect_timeout_s: for the connection and the TLS handshake, each.
        stall_timeout_s: how long a server may send nothing; headers as a whole get
            this and `connect_timeout_s`.
        min_bytes_per_s: what must come on average over `stall_timeout_s` of waiting.
        proxy: `http://user:password@proxy:3128`; empty for none. The environment is not read.
        ca_bundle: a PEM file (or folder) instead of the system's certificates; empty for those.
        allowed_hosts: that a request may go to, redirects included: `host`, `host:port` or
            `*.domain`. Empty: the host of the URL and those it is known to redirect to.
        token: sent to its own host, nowhere else.
        num_retries: of what passes by itself (429, 5xx, cut or refused connections).
        retry_pause_s: the longest first pause; doubles each time.
        max_retry_after_s: a server that asks for more than this is left for the next location.
    """

    connect_timeout_s: float = 10.0
    stall_timeout_s: float = 30.0
    min_bytes_per_s: float = 1024.0
    proxy: str = field(default="", repr=False)
    ca_bundle: str = ""
    allowed_hosts: tuple[str, ...] = ()
    token: HostToken | None = None
    max_redirects: int = 5
    num_retries: int = 3
    retry_pause_s: float = 0.5
    max_retry_after_s: float = 20.0
    user_agent: str = USER_AGENT
