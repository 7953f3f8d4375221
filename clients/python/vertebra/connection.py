"""A channel to one service, and how calls on it are repeated when the way there breaks.

Unary calls are safe to repeat: reads by nature, the others because they carry a request id. They
are repeated for about a second on UNAVAILABLE and on what a proxy or an overloaded server does
instead (INTERNAL with RST_STREAM, CANCELLED), and a service that has answered once is waited for
while it restarts. Streams are opened again at the cursor: `resumed`. gRPC repeats nothing itself:
see `channel`.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from typing import Any, Protocol, TypeVar

import grpc
from google.protobuf.message import Message

from vertebra.backoff import Backoff, Pace, Throttle, wait_s
from vertebra.channel import open_channel
from vertebra.client_errors import RpcFailed, ServiceUnreachable, from_rpc_error
from vertebra.credentials import Credentials
from vertebra.idle_guard import IdleGuard
from vertebra.model.v1 import stream_pb2
from vertebra.stream_words import CUTS, RESUMED_HEADER, reason_word
from vertebra.tracing import rpc_of, rpc_span

__all__ = ["Backoff", "Connection", "Cursor", "Opening", "Pace", "resumed"]

Item = TypeVar("Item", covariant=True)
Answer = TypeVar("Answer")
Method = Callable[..., Any]

Metadata = tuple[tuple[str, str], ...]

UPLOAD = "vertebra.blob.v1.BlobService/WriteBlob"
"""The one call with a stream of requests."""

UNARY_ATTEMPTS = 4

SERVICE_HEADER = "x-vertebra-service"
"""Which of two services behind one address is meant, where both have what is called."""


class Connection:
    """A channel to `address` (`host:port`), with deadlines, retries and readable errors.

    Args:
        service: `trainer` tells a gateway in front of both whose bytes are meant; empty: the
            catalog's, or no gateway.

    Raises:
        CredentialsUnusable: files that cannot be read, or a token that would go out in plain text.
    """

    def __init__(
        self,
        address: str,
        *,
        timeout_s: float = 60.0,
        pace: Pace | None = None,
        credentials: Credentials | None = None,
        service: str = "",
    ) -> None:
        self.address = address
        self._metadata: Metadata = ((SERVICE_HEADER, service),) if service else ()
        self.timeout_s = timeout_s
        self.pace = pace or Pace()
        self.channel = open_channel(address, credentials)
        self._throttle = Throttle()
        self.has_answered = False
        """Whether it was ever there: then it is waited for while it restarts."""

    def close(self) -> None:
        """Close the channel; calls under way end."""
        self.channel.close()

    def call(self, method: Method, request: Any, *, timeout_s: float | None = None) -> Any:
        """Return the answer of a unary call, made again when only the way there broke.

        Raises:
            RpcFailed: the service refused, or did not answer in time.
        """
        with rpc_span(rpc_of(request), self.address) as span:
            sent = (*self._metadata, *span.metadata)
            return self._attempt(
                lambda: method(request, timeout=timeout_s or self.timeout_s, metadata=sent)
            )

    def persist(self, once: Callable[[], Answer]) -> Answer:
        """Return what `once` returns, called again for as long as a stream would be opened again.

        Raises:
            RpcFailed: the service refused, or nothing answered for `Pace.patience_s`.
        """
        backoff = Backoff(self.pace)
        backoff.answered()
        while True:
            backoff.opened()
            try:
                return once()
            except RpcFailed as failure:
                if not failure.may_pass:
                    raise
                backoff.wait(failure, at_least_s=failure.retry_after_s or 0)

    def send_once(self, method: Method, requests: Iterable[Any], *, timeout_s: float) -> Any:
        """Return the answer to a stream of requests.

        Raises:
            RpcFailed: the service refused, or the way there broke.
        """
        with rpc_span(UPLOAD, self.address) as span:
            sent = (*self._metadata, *span.metadata)
            try:
                return method(iter(requests), timeout=timeout_s, metadata=sent)
            except grpc.RpcError as error:
                raise from_rpc_error(error, self.address) from error

    def _attempt(self, once: Callable[[], Any]) -> Any:
        began, num_failures = self.pace.clock(), 0
        while True:
            try:
                answer = once()
            except grpc.RpcError as error:
                failure = from_rpc_error(error, self.address)
                num_failures += 1
                is_again = self._is_repeated(failure) and num_failures < UNARY_ATTEMPTS
                if not is_again and not self._is_waited_for(failure, began):
                    raise failure from error
            else:
                self.has_answered = True
                self._throttle.answered()
                return answer
            pause_s = wait_s(self.pace, num_failures - 1)
            self.pace.sleep(max(failure.retry_after_s or 0, pause_s))

    def _is_repeated(self, failure: RpcFailed) -> bool:
        """Whether the same call may succeed a moment later."""
        if failure.code is grpc.StatusCode.UNAVAILABLE:
            self._throttle.failed()
            return failure.may_pass and not self._throttle.is_on
        return failure.may_pass

    def _is_waited_for(self, failure: RpcFailed, began: float) -> bool:
        """Whether a service that was there before may be there again soon: it restarts."""
        is_away = isinstance(failure, ServiceUnreachable)
        self.has_answered = self.has_answered or not is_away
        return is_away and (
            self.has_answered and self.pace.clock() - began < self.pace.away_patience_s
        )

    def messages(
        self, method: Method, request: Message, metadata: Metadata = ()
    ) -> Generator[Any, None, None]:
        """Yield one stream's messages; leaving early cancels it. Raises RpcFailed."""
        stream = method(request, metadata=(*self._metadata, *metadata))
        guard = IdleGuard(stream.cancel, self.pace.idle_s)
        try:
            with guard.watching():
                guard.wait_begins()
                for message in stream:
                    self.has_answered = True
                    guard.wait_ends()
                    yield message
                    guard.wait_begins()
        except grpc.RpcError as error:
            raise from_rpc_error(error, self.address) from error
        finally:
            stream.cancel()


class Cursor(Protocol[Item]):
    """Where a stream stands: asks for the rest, and checks what comes."""

    def request(self) -> Message:
        """Return the request for everything that has not come yet."""

    def take(self, message: Any) -> Iterable[Item]:
        """Check a message, advance, and return what it brings. Raises AnswerRefused."""

    def finish(self, end: stream_pb2.StreamEnd) -> None:
        """Check that a stream that says COMPLETED is complete. Raises AnswerRefused."""


def resumed(connection: Connection, method: Method, cursor: Cursor[Item]) -> Iterator[Item]:
    """Yield what a stream brings until it says COMPLETED, opening it again wherever it breaks.

    Raises:
        RpcFailed: the service refuses the call, or nothing came for `Pace.patience_s`.
        AnswerRefused: the service contradicts itself; never resumed.
    """
    backoff = Backoff(connection.pace, has_answered=connection.has_answered)
    request = cursor.request()
    with rpc_span(rpc_of(request), connection.address) as span:
        sent: Metadata = span.metadata
        while True:
            opening = Opening(connection, method, cursor, backoff)
            yield from opening.items(request, sent)
            if opening.is_completed:
                return
            backoff.wait(opening.failure, at_least_s=opening.retry_after_s)
            span.resumed(opening.ended_by)
            request, sent = cursor.request(), (*span.metadata, (RESUMED_HEADER, opening.ended_by))


class Opening:
    """One opening of a stream that may be opened many times."""

    def __init__(
        self,
        connection: Connection,
        method: Method,
        cursor: Cursor[Any],
        backoff: Backoff,
    ) -> None:
        self._connection = connection
        self._method = method
        self._cursor = cursor
        self._backoff = backoff
        self.is_completed = False
        self.retry_after_s = 0.0
        self.ended_by = "cut"
        self.failure = RpcFailed(
            grpc.StatusCode.UNAVAILABLE,
            f"the stream from {connection.address} broke again and again without bringing more",
            reason="STREAM_CUT",
        )

    def items(self, request: Message, metadata: Metadata = ()) -> Iterator[Any]:
        """Yield what comes until this opening ends, in order or not; deadlines are proxies' own."""
        self._backoff.opened()
        try:
            opened = self._connection.messages(self._method, request, metadata)
            with closing(opened) as stream:
                for message in stream:
                    yield from self._take(message)
        except RpcFailed as failure:
            if not failure.may_pass and failure.code is not grpc.StatusCode.DEADLINE_EXCEEDED:
                raise
            self.failure = failure
            self.ended_by = CUTS.get(failure.code, "cut")
            self.retry_after_s = failure.retry_after_s or 0

    def _take(self, message: Any) -> Iterable[Any]:
        self._backoff.answered()
        items = tuple(self._cursor.take(message))
        if items:
            self._backoff.progressed()
        if message.HasField("end"):
            self._end(message.end)
        return items

    def _end(self, end: stream_pb2.StreamEnd) -> None:
        self.retry_after_s = end.retry_after.ToTimedelta().total_seconds()
        self.ended_by = reason_word(end)
        if end.reason == stream_pb2.StreamEnd.REASON_COMPLETED:
            self._cursor.finish(end)
            self.is_completed = True
