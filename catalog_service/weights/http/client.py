"""Asks a server for a file: retries, ranges, and what may count as an answer."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from urllib3 import BaseHTTPResponse
from urllib3 import exceptions as broken

from catalog_service.weights.http.answers import (
    Extent,
    Linked,
    check_is_file,
    check_size,
    extent,
    is_strong,
    refused_total,
)
from catalog_service.weights.http.body import Body, Pace
from catalog_service.weights.http.credentials import owns, without_secret
from catalog_service.weights.http.failures import HttpFailure, Nonsense, RangeRefused
from catalog_service.weights.http.hosts import shown
from catalog_service.weights.http.journey import REDIRECTS, Arrival, Journey
from catalog_service.weights.http.policy import HttpPolicy
from catalog_service.weights.http.refusals import Refusal, failure_of
from catalog_service.weights.http.retries import pause_s, retry_after_s

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
        self._journey = Journey(policy)
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
                starts from 0; any other that differs from the answer's does so too. Without one
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
        arrival = self._journey.follow("HEAD", url, {}, is_enough=_says_enough)
        if _knows_no_head(arrival.response):
            arrival.response.close()
            arrival = self._journey.follow("GET", url, {"Range": "bytes=0-0"})
        response, linked = arrival.response, arrival.linked
        try:
            size = linked.size_bytes
            if response.status not in REDIRECTS:
                found = self._extent(arrival, asked_for_part=True)
                size = found.total_bytes if size is None else size
        finally:
            response.close()
        return Head(
            size_bytes=size,
            etag=linked.etag or response.headers.get("ETag", ""),
            sha256=linked.sha256,
            commit=linked.commit,
            url=shown(url),
        )

    def _open(self, url: str, *, start: int, etag: str) -> Body:
        if start == 0:
            return self._body(url, {})
        wanted = {"Range": f"bytes={start}-"}
        if is_strong(etag):
            wanted["If-Range"] = etag
        try:
            body = self._body(url, wanted)
        except (RangeRefused, Nonsense) as failure:
            if isinstance(failure, RangeRefused) and failure.total_bytes == start:
                raise
            return self._body(url, {})
        is_other = etag and body.start > 0 and body.etag not in {"", etag}
        if is_other or body.start not in {0, start}:
            body.close()
            return self._body(url, {})
        return body

    def _body(self, url: str, headers: Mapping[str, str]) -> Body:
        arrival = self._journey.follow("GET", url, headers)
        try:
            found = self._extent(arrival, asked_for_part=bool(headers))
        except BaseException:
            arrival.response.close()
            raise
        policy, linked = self.policy, arrival.linked
        total = linked.size_bytes if found.total_bytes is None else found.total_bytes
        return Body(
            arrival.response,
            where=shown(arrival.url),
            extent=Extent(start=found.start, total_bytes=total),
            linked=linked,
            pace=Pace(window_s=policy.stall_timeout_s, min_bytes_per_s=policy.min_bytes_per_s),
        )

    def _extent(self, arrival: Arrival, *, asked_for_part: bool) -> Extent:
        """Return which bytes of the file this answer has; everything else is a failure."""
        response, where = arrival.response, shown(arrival.url)
        if response.status not in {200, 206}:
            raise failure_of(self._refusal(arrival))
        check_is_file(response.headers, where)
        found = extent(response.status, response.headers, where)
        if found.start and not asked_for_part:
            raise Nonsense(f"{where} answers with bytes from {found.start} on, unasked")
        check_size(found.total_bytes, arrival.linked, where)
        return found

    def _refusal(self, arrival: Arrival) -> Refusal:
        headers, token = arrival.response.headers, self.policy.token
        return Refusal(
            url=arrival.url,
            status=arrival.response.status,
            code=headers.get("X-Error-Code", ""),
            message=without_secret(headers.get("X-Error-Message", ""), token),
            text=without_secret(_beginning(arrival.response), token),
            had_token=owns(token, arrival.url),
            retry_after_s=retry_after_s(headers, datetime.now(UTC)),
            total_bytes=refused_total(headers),
        )


def _says_enough(linked: Linked) -> bool:
    return linked.size_bytes is not None and bool(linked.etag)


def _knows_no_head(response: BaseHTTPResponse) -> bool:
    return response.status in NO_HEAD and "X-Error-Code" not in response.headers


def _beginning(response: BaseHTTPResponse) -> str:
    """Return the first words of a refusal; a server that does not finish them is not waited for."""
    try:
        return (response.read1(MAX_REFUSAL_BYTES) or b"").decode("utf-8", errors="replace")
    except broken.HTTPError:
        return ""
