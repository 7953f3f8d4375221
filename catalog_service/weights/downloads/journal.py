"""What is known about the bytes in a part file, and whether a server's bytes may follow them."""

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from catalog_service.weights.downloads.owner import Owner, owner_from_json
from catalog_service.weights.http.answers import is_strong
from catalog_service.weights.wanted_file import WantedFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """Beside every part file.

    Attributes:
        owner: who may be writing; None for nobody.
        realm: of the process that wrote last: after another boot the last bytes may be missing.
        url_digest: sha256 of where the bytes came from: a URL may carry secrets.
        etag: as the server sent it; empty where it sent none.
        total_bytes: 0 where the server did not say.
        sha256: of the whole file, 64 hex digits, where somebody has said so before.
        commit: of the hub's repository; empty elsewhere.
    """

    owner: Owner | None = None
    realm: str = ""
    url_digest: str = ""
    etag: str = ""
    total_bytes: int = 0
    sha256: str = ""
    declared_sha256: str = ""
    commit: str = ""

    def encoded(self) -> bytes:
        """Return what `decoded` reads."""
        return json.dumps(asdict(self)).encode()


def decoded(content: bytes) -> Journal | None:
    """Return a journal, or None for anything else: it is worth no more than its bytes."""
    try:
        value: dict[str, Any] = json.loads(content)
        return Journal(**{**value, "owner": owner_from_json(value["owner"])})
    except (ValueError, KeyError, TypeError):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuation:
    """Where to go on.

    Attributes:
        start: 0 is from the beginning.
        etag: what `start` depends on; empty where a pin proves the whole.
        why: for people, where bytes are here and of no use; else empty.
    """

    start: int
    etag: str = ""
    why: str = ""


def continuation(
    journal: Journal, size_bytes: int, url: str, file: WantedFile, realm: str
) -> Continuation:
    """Return how `size_bytes` that are here are continued with bytes of `url`.

    The whole is compared with its pin at the end, so a full one proves any mixture of servers. Up
    to then only a strong validator says that a server still has the same file.
    """
    if size_bytes == 0 or journal.url_digest == "":
        return Continuation(start=0)
    if file.sha256 and journal.sha256 and file.sha256 != journal.sha256:
        return Continuation(start=0, why="another file is wanted now")
    pin = file.sha256 or journal.sha256
    is_same_place = journal.url_digest == digest_of_url(url)
    if is_same_place and is_strong(journal.etag):
        start, etag = size_bytes, journal.etag
    elif pin or (is_same_place and file.sha256_prefix):
        start, etag = size_bytes, ""
    else:
        why = "the server names no version" if is_same_place else "another server is asked"
        return Continuation(start=0, why=f"{why}, and nothing proves the whole")
    if journal.realm != realm and not (pin or file.sha256_prefix):
        return Continuation(start=0, why="the machine has been started again, and no pin is known")
    return Continuation(start=min(start, _last_byte(journal)), etag=etag)


def digest_of_url(url: str) -> str:
    """Return 64 hex digits."""
    return sha256(url.encode()).hexdigest()


def _last_byte(journal: Journal) -> int:
    """A server refuses a range that begins at the end: the last byte is asked for again."""
    return max(journal.total_bytes - 1, 0) if journal.total_bytes else 1 << 62
