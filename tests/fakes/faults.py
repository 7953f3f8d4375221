"""What can be wrong with an answer of `FaultyOrigin`: each fault changes one answer."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request, as faults and routes see it; header names in lower case."""

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def start(self) -> int:
        """Return the first byte asked for."""
        return int(self._ends()[0] or 0)

    @property
    def end(self) -> int | None:
        """Return the first byte not asked for any more, or None for all."""
        last = self._ends()[1]
        return int(last) + 1 if last else None

    def _ends(self) -> tuple[str, str]:
        first, _, last = self.headers.get("range", "").removeprefix("bytes=").partition("-")
        return first, last


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes out.

    Attributes:
        data: of the body after its first byte `start`.
        length: what Content-Length says, None = the truth, -1 = no such header.
        cut_after, reset_after, stall_after: how many body bytes go out before that happens.
        drip_s: pause after each piece of `piece_bytes`.
        stall_headers: nothing is ever answered; `drip_headers_s`: a header line now and then.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    data: bytes = b""
    length: int | None = None
    cut_after: int | None = None
    reset_after: int | None = None
    stall_after: int | None = None
    drip_s: float = 0.0
    piece_bytes: int = 64 * 1024
    stall_headers: bool = False
    drip_headers_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What the origin has under a path, for faults that make an answer anew."""

    data: bytes
    etag: str


Fault = Callable[[Answer, Asked, Held], Answer]


def with_headers(answer: Answer, **headers: str | None) -> Answer:
    """Return the answer with headers set (`content_type` is Content-Type) or, None, left out."""
    merged = dict(answer.headers)
    for name, value in headers.items():
        title = "-".join(part.capitalize() for part in name.split("_"))
        if value is None:
            merged.pop(title, None)
        else:
            merged[title] = value
    return replace(answer, headers=merged)


def healthy() -> Fault:
    """No fault: a place in a script."""
    return lambda answer, asked, held: answer


def truncate(after: int) -> Fault:
    """Close the connection after so many body bytes; Content-Length promised all."""
    return lambda answer, asked, held: replace(answer, cut_after=after)


def shorten(to: int) -> Fault:
    """Serve a shorter file, and say so: no transfer error, but other bytes."""
    return lambda answer, asked, held: served(
        replace(held, data=held.data[:to]), asked, content_type=None
    )


def flip(at: int, *, bit: int = 0) -> Fault:
    """Change one bit of the file, its size and ETag kept."""

    def changed(answer: Answer, asked: Asked, held: Held) -> Answer:
        data = bytearray(held.data)
        data[at] ^= 1 << bit
        return served(replace(held, data=bytes(data)), asked)

    return changed


def swap(data: bytes, *, etag: str | None = None) -> Fault:
    """Serve another file; with the old ETag unless one is given."""
    return lambda answer, asked, held: served(Held(data=data, etag=etag or held.etag), asked)


def stall(after: int) -> Fault:
    """Send so many body bytes, then nothing, and keep the connection."""
    return lambda answer, asked, held: replace(answer, stall_after=after)


def stall_headers() -> Fault:
    """Take the request and never answer."""
    return lambda answer, asked, held: replace(answer, stall_headers=True)


def drip_headers(every_s: float) -> Fault:
    """Send header lines for ever."""
    return lambda answer, asked, held: replace(answer, drip_headers_s=every_s)


def drip(*, piece_bytes: int = 1, every_s: float = 0.1) -> Fault:
    """Send the body in small pieces with pauses."""
    return lambda answer, asked, held: replace(answer, drip_s=every_s, piece_bytes=piece_bytes)


def reset(after: int = 0) -> Fault:
    """Reset the connection (RST) after so many body bytes."""
    return lambda answer, asked, held: replace(answer, reset_after=after)


def status(code: int, *, text: str = "", retry_after: str = "", **headers: str) -> Fault:
    """Answer with another status."""
    if retry_after:
        headers["retry_after"] = retry_after
    plain = with_headers(
        Answer(status=code, data=text.encode()), content_type="text/plain", **headers
    )
    return lambda answer, asked, held: plain


def etag(value: str | None) -> Fault:
    """Serve the right bytes under another ETag (a changing one: a script of several)."""
    return lambda answer, asked, held: served(replace(held, etag=value or ""), asked)


def ignore_if_range() -> Fault:
    """Answer a range although the file is another one than If-Range says."""

    def changed(answer: Answer, asked: Asked, held: Held) -> Answer:
        headers = {name: value for name, value in asked.headers.items() if name != "if-range"}
        return served(held, replace(asked, headers=headers))

    return changed


def no_range() -> Fault:
    """Ignore Range: 200 and everything."""

    def changed(answer: Answer, asked: Asked, held: Held) -> Answer:
        whole = served(held, replace(asked, headers={}))
        return with_headers(whole, accept_ranges="none")

    return changed


def content_range(text: str | None) -> Fault:
    """Answer 206 with another Content-Range (None: without)."""
    return lambda answer, asked, held: with_headers(replace(answer, status=206), content_range=text)


def shifted(by: int) -> Fault:
    """Answer a range with bytes from elsewhere, honestly labelled."""

    def changed(answer: Answer, asked: Asked, held: Held) -> Answer:
        headers = asked.headers | {"range": f"bytes={asked.start + by}-"}
        headers.pop("if-range", None)
        return served(held, replace(asked, headers=headers))

    return changed


def piecemeal(num_bytes: int) -> Fault:
    """Answer a range with its first bytes only, honestly labelled; RFC 9110 lets a server."""

    def changed(answer: Answer, asked: Asked, held: Held) -> Answer:
        end = asked.start + num_bytes - 1
        return served(held, replace(asked, headers={"range": f"bytes={asked.start}-{end}"}))

    return changed


def length(value: int) -> Fault:
    """Say another Content-Length than is true (-1: say none, the end of the connection ends it)."""
    return lambda answer, asked, held: replace(answer, length=value)


def gzipped() -> Fault:
    """Pack the body, though identity was asked for."""
    return lambda answer, asked, held: with_headers(
        replace(answer, status=200, data=gzip.compress(held.data)),
        content_encoding="gzip",
        content_range=None,
    )


def html() -> Fault:
    """A login page with status 200."""
    page = b"<!doctype html><title>Sign in</title><p>Please sign in to the network."
    return lambda answer, asked, held: Answer(
        data=page, headers={"Content-Type": "text/html; charset=utf-8"}
    )


def redirect(to: str, code: int = 302) -> Fault:
    """Send the caller elsewhere; a path of the caller's own server, or any URL."""
    return lambda answer, asked, held: Answer(status=code, headers={"Location": to})


def redirect_loop() -> Fault:
    """Send the caller to where it is."""
    return lambda answer, asked, held: Answer(status=302, headers={"Location": asked.path})


def hostile_names() -> Fault:
    """Suggest names that a careless client would write to."""
    return lambda answer, asked, held: with_headers(
        answer,
        content_disposition='attachment; filename="../../../../tmp/owned"',
        etag='"../../owned"',
    )


def served(held: Held, asked: Asked, *, content_type: str | None = None) -> Answer:
    """Return the healthy answer to a request for a file: 200, 206 or 416."""
    headers = {"Content-Type": content_type or "application/octet-stream", "Accept-Ranges": "bytes"}
    if held.etag:
        headers["Etag"] = held.etag
    is_unchanged = asked.headers.get("if-range", held.etag) == held.etag
    if not asked.headers.get("range") or not is_unchanged:
        return Answer(data=held.data, headers=headers)
    total = len(held.data)
    if asked.start >= total:
        return Answer(status=416, headers=headers | {"Content-Range": f"bytes */{total}"})
    end = min(total, asked.end or total)
    headers["Content-Range"] = f"bytes {asked.start}-{end - 1}/{total}"
    return Answer(status=206, data=held.data[asked.start : end], headers=headers)
