"""The public keys of whoever signs tokens, fetched seldom and kept while their source is away.

Whoever sends tokens chooses the key ids in them, so an unknown id may ask the source at most once a
minute; whatever else comes meanwhile is answered from what is known.
"""

import asyncio
import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
import urllib3
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from catalog_service.errors import Unavailable

log = logging.getLogger(__name__)

MAX_KEYS_BYTES = 1 << 20
MAX_KEYS = 100
MIN_RSA_BITS = 2048
"""Source: RFC 7518, 3.3."""

FETCH_TIMEOUT_S = 5.0
"""In all: a source that drips may not hold calls for longer."""

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey


class KeysUnavailable(Unavailable):
    """No key of the issuer could be had yet, so nobody's token can be read."""

    reason = "KEYS_UNAVAILABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyTiming:
    """How often the source is asked."""

    fresh_s: float = 600.0
    """Older keys are fetched again, beside the calls that use them."""
    pause_s: float = 60.0
    """At least this long between two fetches, whatever tokens say."""
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerKey:
    """A key and what it may be used for."""

    key: PublicKey
    algorithm: str
    """The only one, such as RS256; empty where the issuer does not say."""


class IssuerKeys:
    """The keys by their ids.

    Args:
        fetch: returns the bytes of a JSON Web Key Set, or raises OSError or ValueError; called in a
            thread, never twice at once.
    """

    def __init__(self, fetch: Callable[[], bytes], timing: KeyTiming | None = None) -> None:
        self._fetch = fetch
        self._timing = timing or KeyTiming()
        self._keys: Mapping[str, IssuerKey] = {}
        self._fetched_at: float | None = None
        self._asked_at: float | None = None
        self._asking: asyncio.Task[None] | None = None

    async def key(self, key_id: str) -> IssuerKey | None:
        """Return a key; None where the issuer has none with this id. An empty id is the only key's.

        Raises:
            KeysUnavailable: no keys could be had since the start.
        """
        if self._find(key_id) is None:
            await self._ask()
        elif self._is_old():
            self._start_asking()
        if self._fetched_at is None:
            raise KeysUnavailable(
                "the keys of whoever signs tokens cannot be had now; the log says why; call again",
                retry_after_s=self._timing.pause_s,
            )
        return self._find(key_id)

    def _find(self, key_id: str) -> IssuerKey | None:
        if key_id:
            return self._keys.get(key_id)
        return next(iter(self._keys.values())) if len(self._keys) == 1 else None

    def _is_old(self) -> bool:
        assert self._fetched_at is not None  # there is a key
        return self._timing.clock() - self._fetched_at > self._timing.fresh_s

    async def _ask(self) -> None:
        """Ask the source, or wait for who asks already; return at once if it was asked just now."""
        self._start_asking()
        if self._asking is not None:
            await asyncio.shield(self._asking)

    def _start_asking(self) -> None:
        now = self._timing.clock()
        is_too_soon = self._asked_at is not None and now - self._asked_at < self._timing.pause_s
        if self._asking is not None or is_too_soon:
            return
        self._asked_at = now
        self._asking = asyncio.ensure_future(self._take())
        self._asking.add_done_callback(self._asked)

    def _asked(self, _: "asyncio.Task[None]") -> None:
        self._asking = None

    async def _take(self) -> None:
        try:
            async with asyncio.timeout(FETCH_TIMEOUT_S + 1):
                self._keys = keys_in(await asyncio.to_thread(self._fetch))
        except (OSError, ValueError) as error:
            why = str(error) or f"nothing came within {FETCH_TIMEOUT_S:g} s"
            log.warning("the keys of whoever signs tokens are not taken: %s", why)
            return
        self._fetched_at = self._timing.clock()


def keys_in(document: bytes) -> dict[str, IssuerKey]:
    """Return the keys of a JSON Web Key Set that may verify signatures. Source: RFC 7517.

    Raises:
        ValueError: it is none, or has no such key.
    """
    try:
        found = json.loads(document)
        rows = found["keys"][:MAX_KEYS]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError("this is no JSON Web Key Set: {'keys': [...]}") from error
    keys = {_id_of(row): key for row in rows if (key := _key_of(row)) is not None}
    if not keys:
        raise ValueError(
            f"none of {len(rows)} keys can verify signatures: RSA of {MIN_RSA_BITS} bits or more,"
            " elliptic curve, Ed25519"
        )
    return keys


def _id_of(row: Any) -> str:  # a JSON value
    return str(row.get("kid", ""))


def _key_of(row: Any) -> IssuerKey | None:
    """Return a public key; None for secrets, weak keys and what is for encryption."""
    if not isinstance(row, dict) or row.get("use", "sig") != "sig" or row.get("kty") == "oct":
        return None
    try:
        key = jwt.PyJWK(row).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    if hasattr(key, "public_key"):  # somebody published a private one
        key = key.public_key()
    if not isinstance(key, PublicKey):
        return None
    if isinstance(key, RSAPublicKey) and key.key_size < MIN_RSA_BITS:
        return None
    return IssuerKey(key=key, algorithm=str(row.get("alg", "")))


def key_source(place: str) -> tuple[Callable[[], bytes], KeyTiming]:
    """Return what fetches keys from a file or a URL, and how often it may be asked."""
    if "://" in place:
        return lambda: _downloaded(place), KeyTiming()
    path = Path(place).expanduser()
    return lambda: _read(path), KeyTiming(fresh_s=10.0, pause_s=5.0)


def require_key_place(place: str) -> str:
    """Return a file or a URL as it is.

    Raises:
        ValueError: a URL in plain text, or with a password in it.
    """
    if "://" not in place:
        return place
    url = urlsplit(place)
    is_here = url.hostname in ("localhost", "127.0.0.1", "::1")
    if url.scheme != "https" and not (url.scheme == "http" and is_here):
        raise ValueError("should be a file or an https:// URL: keys in plain text are anybody's")
    if url.username or url.password:
        raise ValueError("should be a URL without a password: public keys need none")
    return place


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return _bounded(file.read(MAX_KEYS_BYTES + 1))


def _downloaded(url: str) -> bytes:
    """Return what a URL has; no redirects, no cookies, no proxy of the environment."""
    until = time.monotonic() + FETCH_TIMEOUT_S
    timeout = urllib3.Timeout(total=FETCH_TIMEOUT_S)
    try:
        with (
            urllib3.PoolManager() as pool,
            pool.request(
                "GET",
                url,
                timeout=timeout,
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,  # a megabyte may unpack into a gigabyte
            ) as answer,
        ):
            if answer.status != 200:
                raise ValueError(f"{_shown(url)} answers {answer.status}")
            return _bounded(_taken(answer, until))
    except urllib3.exceptions.HTTPError as error:
        raise OSError(f"cannot get {_shown(url)}: {_shown(str(error))}") from error


def _shown(text: str) -> str:
    """Return a URL, or a sentence with one, without what follows its `?`: it may be a secret."""
    return re.sub(r"\?\S+", "?...", text)


def _taken(answer: urllib3.BaseHTTPResponse, until: float) -> bytes:
    """Return the body, whatever comes at a time: a source may drip within each timeout."""
    document = b""
    while len(document) <= MAX_KEYS_BYTES and (piece := answer.read1(64 << 10)):
        document += piece
        if time.monotonic() > until:
            raise OSError(f"the keys did not come within {FETCH_TIMEOUT_S:g} s")
    return document


def _bounded(document: bytes) -> bytes:
    if len(document) > MAX_KEYS_BYTES:
        raise ValueError(f"the keys are larger than {MAX_KEYS_BYTES} bytes")
    return document
