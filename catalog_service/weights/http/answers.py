"""What the headers of an answer say about a file, and the answers that cannot be one. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from catalog_service.weights.http.failures import Nonsense

_SHA256 = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_STRONG_ETAG = re.compile(r'"[\x21\x23-\x7e\x80-\xff]*"')
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")
_UNSATISFIED = re.compile(r"bytes \*/(\d{1,18})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """What a hub says of a big file before it redirects to where the bytes are.

    Source: huggingface_hub/constants.py, X-Linked-Etag, X-Linked-Size, X-Repo-Commit.

    Attributes:
        etag: as sent; the sha256 of big files, a git hash of small ones.
        commit: of the repository, 40 hex digits, or empty.
    """

    size_bytes: int | None = None
    etag: str = ""
    commit: str = ""

    @property
    def sha256(self) -> str:
        """Return the declared sha256, or nothing where the ETag is something else."""
        bare = self.etag.removeprefix("W/").strip('"').lower()
        return bare if _SHA256.fullmatch(bare) else ""

    def joined(self, headers: Mapping[str, str]) -> "Linked":
        """Return this with what one more answer says; the first to say something counts."""
        commit = headers.get("X-Repo-Commit", "").lower()
        return replace(
            self,
            size_bytes=_first(self.size_bytes, number(headers, "X-Linked-Size")),
            etag=self.etag or headers.get("X-Linked-Etag", ""),
            commit=self.commit or (commit if _COMMIT.fullmatch(commit) else ""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """Which bytes of a file an answer has: from `start`; `total_bytes` is None where not said."""

    start: int
    total_bytes: int | None


def number(headers: Mapping[str, str], name: str) -> int | None:
    """Return a header that is a count, or None."""
    text = headers.get(name, "").strip()
    return int(text) if re.fullmatch(r"\d{1,18}", text) else None


def is_strong(etag: str) -> bool:
    """Return whether an ETag promises equal bytes; RFC 9110, section 8.8.1."""
    return bool(_STRONG_ETAG.fullmatch(etag))


def extent(status: int, headers: Mapping[str, str], where: str) -> Extent:
    """Return which bytes are coming.

    Raises:
        Nonsense: a 206 without a Content-Range that can be read.
    """
    if status != 206:
        return Extent(start=0, total_bytes=number(headers, "Content-Length"))
    text = headers.get("Content-Range", "")
    found = _CONTENT_RANGE.fullmatch(text.strip())
    if not found:
        raise Nonsense(f"{where} sends a part of a file, with Content-Range {text[:80]!r}")
    first, last = int(found[1]), int(found[2])
    total = None if found[3] == "*" else int(found[3])
    length = number(headers, "Content-Length")
    if last < first or (total is not None and last >= total):
        raise Nonsense(f"{where} sends a Content-Range that contradicts itself: {text[:80]!r}")
    if length is not None and length != last - first + 1:
        raise Nonsense(f"{where} sends Content-Range {text[:80]!r}, but Content-Length {length}")
    return Extent(start=first, total_bytes=total)


def refused_total(headers: Mapping[str, str]) -> int | None:
    """Return the size that a 416 names, or None."""
    found = _UNSATISFIED.fullmatch(headers.get("Content-Range", "").strip())
    return int(found[1]) if found else None


def check_is_file(headers: Mapping[str, str], where: str) -> None:
    """Refuse what is a page or packed.

    Raises:
        Nonsense: HTML (a login page, a captive portal), or a content encoding nobody asked for.
    """
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind in {"text/html", "application/xhtml+xml"}:
        raise Nonsense(f"{where} answers with a web page ({kind}) instead of the file")
    encoding = headers.get("Content-Encoding", "").strip().lower()
    if encoding not in {"", "identity"}:
        raise Nonsense(f"{where} answers in {encoding[:40]!r}, which was not asked for")


def check_size(total_bytes: int | None, linked: Linked, where: str) -> None:
    """Refuse a body of another size than the hub declared.

    Raises:
        Nonsense: the two differ.
    """
    if None not in (total_bytes, linked.size_bytes) and total_bytes != linked.size_bytes:
        raise Nonsense(
            f"{where} has {total_bytes} bytes where the hub declares {linked.size_bytes}"
        )


def _first(one: int | None, other: int | None) -> int | None:
    return other if one is None else one
