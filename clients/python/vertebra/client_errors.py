"""What a call that failed says: one sentence for people, a reason and details for programs.

The details travel as google.rpc messages in the `grpc-status-details-bin` trailer.
"""

import copyreg
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

DETAILS_TRAILER = "grpc-status-details-bin"
"""Where gRPC carries a google.rpc.Status. Source: `rpc_status` of the package grpcio-status."""


LONGEST_BUSY_S = 5.0
"""A service that asks for a longer wait than this has refused: the caller decides."""

TRIED_LONG_ENOUGH = frozenset({"WEIGHTS_UNREACHABLE"})
"""Reasons of UNAVAILABLE that a service gives after it has tried again itself."""


AUTH_EXPIRED = "AUTH_EXPIRED"
"""The caller was known when the call began, and is not any more: with a new token it goes on, and
with the same one it is refused with another reason."""

HANDSHAKES = {
    "WRONG_VERSION_NUMBER": "does not speak TLS: leave out --tls, --ca and --cert",
    "Hostname Verification": "shows a certificate of another name: --server-name says which",
    "certificate has expired": "shows a certificate that has expired",
    "CERTIFICATE_VERIFY_FAILED": "shows a certificate of an authority that we do not know: --ca",
}
"""What gRPC says of a handshake that failed, as seen with grpcio 1.85, and what it means."""

NOT_CONNECTED = "failed to connect to all addresses"
CLOSED = (
    "closes the connection at once: it may want TLS (--ca), or a certificate of ours that it"
    " believes (--cert, --key)"
)
"""A server that asks for a certificate does not say that it got none, or a bad one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One thing wrong with a request: a field path such as `spec.model.backbone`, and why."""

    field: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A page that helps: where access is granted, where something is described."""

    text: str
    url: str


Unraised = tuple[Callable[..., object], tuple[object, ...], dict[str, object]]


def unraised(error: Exception) -> Unraised:
    """Return what an exception is made of, for it to come out of another process as it was: by
    itself Python calls its class with the message alone, and a pool of processes breaks.
    """
    return copyreg.__newobj__, (type(error), *error.args), vars(error)  # type: ignore[attr-defined]


class RpcFailed(Exception):
    """A call that the service, or the way to it, refused. `str()` is one sentence with the way out.

    Args:
        code: the gRPC status.
        reason: UPPER_SNAKE_CASE such as `ARCHITECTURE_NOT_FOUND`; empty where the transport failed.
        message: for people.
        metadata: details for programs.
        violations: every problem found in the request.
        retry_after_s: how long the service asks to wait; None where it asks nothing.
        links: pages that help, the best first.
    """

    def __init__(  # noqa: PLR0913 - the parts of one status, by name
        self,
        code: grpc.StatusCode,
        message: str,
        *,
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        violations: Sequence[Violation] = (),
        retry_after_s: float | None = None,
        links: Sequence[Link] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.metadata = dict(metadata or {})
        self.violations = tuple(violations)
        self.retry_after_s = retry_after_s
        self.links = tuple(links)

    def __reduce__(self) -> Unraised:
        return unraised(self)

    @property
    def may_pass(self) -> bool:
        """Whether the same call may succeed a moment later.

        Proxies cut streams with INTERNAL and `RST_STREAM`, and an overloaded server rejects with
        CANCELLED or says how soon it has room. Nobody cancels a call while its caller waits.
        """
        if self.code is grpc.StatusCode.RESOURCE_EXHAUSTED:
            return self.retry_after_s is not None and self.retry_after_s <= LONGEST_BUSY_S
        if self.code is grpc.StatusCode.INTERNAL:
            return "RST_STREAM" in self.message
        if self.reason in TRIED_LONG_ENOUGH:
            return False
        if self.reason == AUTH_EXPIRED:
            return True
        return self.code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)


class ServiceUnreachable(RpcFailed):
    """Nothing answers at the address. Nothing was done."""


class HandshakeFailed(RpcFailed):
    """Something answers at the address, and the two do not agree on TLS. Nothing was sent."""


class AnswerRefused(RpcFailed):
    """The service answered something that cannot be true: bytes, offsets or events out of line."""

    def __init__(self, message: str, *, reason: str = "ANSWER_REFUSED") -> None:
        super().__init__(grpc.StatusCode.DATA_LOSS, message, reason=reason)


def from_rpc_error(error: grpc.RpcError, address: str) -> RpcFailed:
    """Return what a failed call to `address` says, with the details that it carries."""
    code = error.code()
    details = error.details() or ""
    status = _status(error.trailing_metadata())
    if status is None:
        return _without_details(code, details, address)
    info = error_details_pb2.ErrorInfo()
    request = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    help_ = error_details_pb2.Help()
    for detail in status.details:
        for known in (info, request, retry, help_):
            detail.Unpack(known)
    return RpcFailed(
        code,
        details or f"{address} answered {code.name}",
        reason=info.reason,
        metadata=dict(info.metadata),
        violations=[
            Violation(field=one.field, description=one.description)
            for one in request.field_violations
        ],
        retry_after_s=_seconds(retry) if retry.HasField("retry_delay") else None,
        links=[Link(text=one.description, url=one.url) for one in help_.links],
    )


def _status(trailers: Iterable[Any] | None) -> status_pb2.Status | None:
    for key, value in trailers or ():
        if key == DETAILS_TRAILER and isinstance(value, bytes):
            try:
                return status_pb2.Status.FromString(value)
            except DecodeError:
                return None
    return None


def _seconds(retry: error_details_pb2.RetryInfo) -> float:
    return float(retry.retry_delay.ToTimedelta().total_seconds())


def _without_details(code: grpc.StatusCode, details: str, address: str) -> RpcFailed:
    """Return an error of the transport itself, which knows nothing of reasons."""
    if code is grpc.StatusCode.UNAVAILABLE:
        why = next((why for sign, why in HANDSHAKES.items() if sign in details), None)
        if why is not None:
            return HandshakeFailed(code, f"{address} {why}")
        if details.startswith(NOT_CONNECTED) and details.endswith("Socket closed"):
            return HandshakeFailed(code, f"{address} {CLOSED}")
        return ServiceUnreachable(code, f"no service answers at {address} ({_last(details)})")
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return RpcFailed(code, f"{address} did not answer in time; it may still be working on it")
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return RpcFailed(code, f"{address} does not know this call: is it the other service?")
    return RpcFailed(code, details or f"{address} answered {code.name}")


def _last(details: str) -> str:
    """Return the telling end of a transport message such as `...: Connection refused`."""
    words = details.rstrip(".] ").rpartition(": ")[2]
    return words.lower() if words else "connection failed"
