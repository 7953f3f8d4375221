"""Asks a server for a file: redirects by hand, retries, ranges. The one way out of this room."""

import base64
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import unquote

from urllib3 import BaseHTTPResponse
from urllib3 import exceptions as broken

from catalog_service.weights.http.answers import (
    Extent,
    Linked,
    check_is_file,
    check_size,
    extent,
    is_strong,
    number,
    refused_total,
)
from catalog_service.weights.http.body import Body, Pace
from catalog_service.weights.http.connections import Connections
from catalog_service.weights.http.failures import HttpFailure, Nonsense, RangeRefused
from catalog_service.weights.http.hosts import (
    host_and_port,
    is_allowed,
    parsed,
    redirected,
    refused,
    shown,
)
from catalog_service.weights.http.policy import HttpPolicy
from catalog_service.weights.http.refusals import Refusal, failure_of
from catalog_service.weights.http.retries import pause_s, retry_after_s

REDIRECTS = {301, 302, 303, 307, 308}
NO_HEAD = {403, 405, 501}
"""Statuses of servers that know GET only; signed URLs are signed for one method."""
MAX_REFUSAL_BYTES = 2048

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a server says of a file, unverified.

    Attributes:
        size_bytes: None where it does not say.
        etag: as sent, with quotes; may be weak or empty.
        sha256: what the hub declares, 64 hex digits, or empty.
        commit: of the hub's repository, or empty.
        url: what was asked, without credentials and query.
    """

    size_bytes: int | None
    etag: str
    sha256: str
    commit: str
    url: str


class HttpClient:
    """Reads files of one location over HTTP. Threads may share it.

    Args:
        policy: the location's rules.
        sleep, luck: for tests; the pause between attempts and its spread.
    """

    def __init__(
        self,
        policy: HttpPolicy,
        *,
        sleep: Callable[[float], None] = time.sleep,
        luck: Callable[[], float] = random.random,
    ) -> None:
        self.policy = policy
        self._connections = Connections(policy)
        self._sleep = sleep
        self._luck = luck

    def head(self, url: str) -> Head:
        """Return what the server says of the file, without its bytes.

        Raises:
            HttpFailure: see `failures`.
        """
        return self._patiently(lambda: self._head(url))

    def open(self, url: str, *, start: int = 0, etag: str = "") -> Body:
        """Return the file's bytes from `start` on, or from 0 where the server will not do that.

        Args:
            start: how many bytes the caller has already.
            etag: that they came with. A strong one goes along as If-Range, so that a changed file
                starts from 0. With another or none the server is trusted not to have changed: then
                the caller must know the digest of the whole file.

        Raises:
            RangeRefused: the file ends at `start`: the caller has all of it.
            HttpFailure: see `failures`.
        """
        return self._patiently(lambda: self._open(url, start=start, etag=etag))

    def _patiently(self, ask: Callable[[], T]) -> T:
        attempt = 0
        while True:
            try:
                return ask()
            except HttpFailure as failure:
                pause = pause_s(failure, attempt=attempt, policy=self.policy, luck=self._luck())
                if pause is None:
                    raise
            self._sleep(pause)
            attempt += 1

    def _head(self, url: str) -> Head:
        response, linked = self._follow("HEAD", url, {}, is_enough=_names_size)
        if response.status in NO_HEAD:
            response.close()
            response, linked = self._follow("GET", url, {})
        try:
            if response.status not in REDIRECTS:
                self._check_status(url, response)
                check_is_file(response.headers, shown(url))
            size = linked.size_bytes
            return Head(
                size_bytes=number(response.headers, "Content-Length") if size is None else size,
                etag=linked.etag or response.headers.get("ETag", ""),
                sha256=linked.sha256,
                commit=linked.commit,
                url=shown(url),
            )
        finally:
            response.close()

    def _open(self, url: str, *, start: int, etag: str) -> Body:
        if start == 0:
            return self._read_from(url, Extent(start=0, total_bytes=None), {})
        wanted = {"Range": f"bytes={start}-"}
        if is_strong(etag):
            wanted["If-Range"] = etag
        try:
            body = self._read_from(url, Extent(start=start, total_bytes=None), wanted)
        except RangeRefused as refusal:
            if refusal.total_bytes == start:
                raise
            return self._open(url, start=0, etag="")
        is_other = is_strong(etag) and body.start > 0 and body.etag not in {"", etag}
        if body.start not in {0, start} or is_other:
            body.close()
            return self._open(url, start=0, etag="")
        return body

    def _read_from(self, url: str, wanted: Extent, headers: Mapping[str, str]) -> Body:
        response, linked = self._follow("GET", url, headers)
        where = shown(url)
        try:
            self._check_status(url, response)
            check_is_file(response.headers, where)
            found = extent(response.status, response.headers)
            if found.start and not wanted.start:
                raise Nonsense(f"{where} answers with bytes from {found.start} on, unasked")
            check_size(found.total_bytes, linked, where)
        except BaseException:
            response.close()
            raise
        return self._body(response, where, found, linked)

    def _body(self, response: BaseHTTPResponse, where: str, found: Extent, linked: Linked) -> Body:
        pace = Pace(
            window_s=self.policy.stall_timeout_s, min_bytes_per_s=self.policy.min_bytes_per_s
        )
        total = linked.size_bytes if found.total_bytes is None else found.total_bytes
        body = Body(response, where=where, start=found.start, total_bytes=total, pace=pace)
        body.etag = response.headers.get("ETag", "")
        body.sha256, body.commit = linked.sha256, linked.commit
        return body

    def _follow(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        is_enough: Callable[[Linked], bool] = lambda linked: False,
    ) -> tuple[BaseHTTPResponse, Linked]:
        """Return the answer at the end of all redirects, and what the hub said on the way."""
        if not is_allowed(url, first=url, allowed=self.policy.allowed_hosts):
            raise refused(url)
        here, linked = url, Linked()
        for _ in range(self.policy.max_redirects + 1):
            response = self._connections.ask(method, here, self._headers(here, headers))
            linked = linked.joined(response.headers)
            if response.status not in REDIRECTS:
                return response, linked
            here = self._next(response, here, url)
            if is_enough(linked):
                return response, linked
            response.close()
        raise Nonsense(f"{shown(url)} redirects more than {self.policy.max_redirects} times")

    def _next(self, response: BaseHTTPResponse, here: str, first: str) -> str:
        location = response.headers.get("Location", "")
        try:
            return redirected(here, location, first=first, allowed=self.policy.allowed_hosts)
        except HttpFailure:
            response.close()
            raise

    def _headers(self, url: str, more: Mapping[str, str]) -> dict[str, str]:
        """Return the headers of one hop: a secret goes to its own host only."""
        headers = {"User-Agent": self.policy.user_agent, "Accept-Encoding": "identity", **more}
        token, own = self.policy.token, parsed(url).auth
        if token is not None and self._is_for(token.host, url):
            headers["Authorization"] = f"Bearer {token.secret}"
        elif own:
            pair = base64.b64encode(unquote(own).encode()).decode()
            headers["Authorization"] = f"Basic {pair}"
        return headers

    def _is_for(self, host: str, url: str) -> bool:
        wanted = host if ":" in host else f"{host}:443"
        return wanted.lower() == host_and_port(url)

    def _check_status(self, url: str, response: BaseHTTPResponse) -> None:
        if response.status in {200, 206}:
            return
        headers = response.headers
        token = self.policy.token
        refusal = Refusal(
            url=url,
            status=response.status,
            code=headers.get("X-Error-Code", ""),
            message=self._without_secret(headers.get("X-Error-Message", "")),
            text=self._without_secret(_beginning(response)),
            had_token=token is not None and self._is_for(token.host, url),
            retry_after_s=retry_after_s(headers, datetime.now(UTC)),
            total_bytes=refused_total(headers),
        )
        raise failure_of(refusal)

    def _without_secret(self, text: str) -> str:
        token = self.policy.token
        return text.replace(token.secret, "***") if token and token.secret else text


def _names_size(linked: Linked) -> bool:
    return linked.size_bytes is not None and bool(linked.etag)


def _beginning(response: BaseHTTPResponse) -> str:
    """Return the first words of a refusal; a server that does not finish them is not waited for."""
    try:
        return response.read1(MAX_REFUSAL_BYTES).decode("utf-8", errors="replace")
    except broken.HTTPError:
        return ""
