"""What a status that is no file means; the hub's ways of saying no are told apart. Pure.

Source: huggingface_hub/utils/_http.py, hf_raise_for_status, and errors.py; the texts of 403 are the
hub's own.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from catalog_service.weights.http.failures import (
    Gated,
    HttpFailure,
    Nonsense,
    NotThere,
    RangeRefused,
    ServerTrouble,
)
from catalog_service.weights.http.hosts import shown

_HUB_PATH = re.compile(r"(?P<base>.*?)/(?P<repository>[^/]+/[^/]+)/(?:resolve|raw)/[^/]+/.+")
MAX_SAID_CHARS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An answer that is no file.

    Attributes:
        code, message: the hub's `X-Error-Code` and `X-Error-Message`, else empty.
        text: the beginning of the body.
        had_token: whether a token went along.
        total_bytes: what a 416 says.
    """

    url: str
    status: int
    code: str = ""
    message: str = ""
    text: str = ""
    had_token: bool = False
    retry_after_s: float | None = None
    total_bytes: int | None = None

    @property
    def said(self) -> str:
        """Return the server's own words, quoted and cut; empty where it says nothing."""
        words = self.message or ("" if "<" in self.text else self.text)
        return f": {' '.join(words.split())[:MAX_SAID_CHARS]!r}" if words.strip() else ""

    @property
    def repository(self) -> str:
        """Return `owner/name` where the URL is a hub's, else nothing."""
        found = _HUB_PATH.fullmatch(urlsplit(self.url).path)
        return found["repository"] if found else ""

    @property
    def page(self) -> str:
        """Return the page of the repository."""
        parts = urlsplit(shown(self.url))
        found = _HUB_PATH.fullmatch(parts.path)
        base = found["base"] if found else ""
        return f"{parts.scheme}://{parts.netloc}{base}/{self.repository}"

    @property
    def token_page(self) -> str:
        """Return the page where a person's tokens are."""
        parts = urlsplit(shown(self.url))
        return f"{parts.scheme}://{parts.netloc}/settings/tokens"


def failure_of(refusal: Refusal) -> HttpFailure:
    """Return what an answer that is no file means."""
    if refusal.status in {404, 410}:
        return _not_there(refusal)
    if refusal.status == 416:
        total = refusal.total_bytes
        why = f"{shown(refusal.url)} has nothing from there on (it has {total} bytes)"
        return RangeRefused(why, total_bytes=total)
    is_hub = bool(refusal.repository or refusal.code)
    if refusal.status in {401, 403} and is_hub:
        return _gated(refusal)
    if 200 <= refusal.status < 400:
        return Nonsense(f"{shown(refusal.url)} answers {refusal.status} to a simple request")
    why = f"{shown(refusal.url)} answers {refusal.status}{refusal.said}{_wish(refusal)}"
    return ServerTrouble(why, status=refusal.status, retry_after_s=refusal.retry_after_s)


def _wish(refusal: Refusal) -> str:
    if refusal.status in {401, 403}:
        return "; it wants other credentials than it got"
    if refusal.status == 407:
        return "; the proxy wants credentials"
    if refusal.retry_after_s is not None:
        return f"; it asks to wait {refusal.retry_after_s:g} s"
    return ""


MISSING = {
    "RepoNotFound": "has no repository {repository!r}",
    "RevisionNotFound": "has {repository!r}, but not this revision",
    "EntryNotFound": "has {repository!r}, but no such file",
}
"""The hub's codes of a 404, in words."""


def _not_there(refusal: Refusal) -> NotThere:
    text = MISSING.get(refusal.code)
    if text is None:
        return NotThere(f"{shown(refusal.url)}: no such file ({refusal.status})")
    host = urlsplit(refusal.url).hostname
    return NotThere(f"{host} {text.format(repository=refusal.repository)} ({refusal.status})")


def _gated(refusal: Refusal) -> HttpFailure:
    words = f"{refusal.message} {refusal.text}".lower()
    for is_it, make in _GATES:
        if is_it(refusal, words):
            return make(refusal)
    why = f"{shown(refusal.url)} answers {refusal.status}{refusal.said}"
    return ServerTrouble(why, status=refusal.status)


def _gate(gate: str, sentence: str) -> Callable[[Refusal], Gated]:
    def made(refusal: Refusal) -> Gated:
        page = refusal.token_page if gate == "BAD_TOKEN" else refusal.page
        text = sentence.format(repository=refusal.repository, page=page)
        return Gated(text, gate=gate, page=page)

    return made


def _is_bad_token(refusal: Refusal, words: str) -> bool:
    return (refusal.status == 401 and refusal.had_token) or "invalid credentials" in words


_Row = tuple[Callable[[Refusal, str], bool], Callable[[Refusal], Gated]]

_GATES: tuple[_Row, ...] = (
    (
        lambda refusal, words: "fine-grained token" in words,
        _gate(
            "BAD_TOKEN",
            "this catalog's token (HF_TOKEN) may not read gated repositories such as "
            "{repository!r}; allow it to at {page}",
        ),
    ),
    (
        _is_bad_token,
        _gate(
            "BAD_TOKEN", "the hub does not know this catalog's token (HF_TOKEN); make one at {page}"
        ),
    ),
    (
        lambda refusal, words: refusal.code == "GatedRepo" and not refusal.had_token,
        _gate(
            "NO_TOKEN",
            "{repository!r} is gated and this catalog has no token (HF_TOKEN); ask for access at "
            "{page}",
        ),
    ),
    (
        lambda refusal, words: refusal.status == 401,
        _gate(
            "UNKNOWN_REPOSITORY",
            "the hub shows strangers no {repository!r}: it does not exist, or wants a token "
            "(HF_TOKEN); see {page}",
        ),
    ),
    (
        lambda refusal, words: "awaiting a review" in words or "pending" in words,
        _gate("PENDING", "access to {repository!r} was asked for and not yet granted; see {page}"),
    ),
    (
        lambda refusal, words: "rejected" in words,
        _gate("REJECTED", "access to {repository!r} was asked for and rejected; see {page}"),
    ),
    (
        lambda refusal, words: refusal.code == "GatedRepo" or "authorized list" in words,
        _gate(
            "NOT_REQUESTED",
            "{repository!r} is gated and the owner of this catalog's token (HF_TOKEN) has not "
            "asked for access; do so at {page}",
        ),
    ),
)
"""Which refusals of a hub mean what; the first that fits counts."""
