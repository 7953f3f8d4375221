"""What a caller sees of a failure: the one place where kinds of failure become gRPC statuses.

Every status carries `google.rpc.Status` in the `grpc-status-details-bin` trailer. Trailers count
against the client's metadata limit (8 KiB by default), and above it the client sees
RESOURCE_EXHAUSTED instead of the error, so everything here is cut to fit.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import (
    BadRequest,
    ErrorInfo,
    Help,
    PreconditionFailure,
    RequestInfo,
    RetryInfo,
)
from google.rpc.status_pb2 import Status

from catalog_service.errors import (
    Conflict,
    Corrupt,
    Denied,
    Exhausted,
    InvalidRequest,
    Link,
    NotFound,
    OutOfRange,
    Precondition,
    Unauthenticated,
    Unavailable,
    VertebraError,
)

DOMAIN = "vertebra"
"""`ErrorInfo.domain` of every error of ours."""

DETAILS_TRAILER = "grpc-status-details-bin"
"""Source: https://grpc.io/docs/guides/error/#richer-error-model."""

MAX_DETAILS_BYTES = 4096
"""Measured with grpcio 1.85: 8.9 KB of details arrive, 14.9 KB become RESOURCE_EXHAUSTED."""

MAX_MESSAGE_BYTES = 1536
"""Longest status message, as it travels: percent-encoded UTF-8."""

MAX_VIOLATIONS = 20
MAX_METADATA_CHARS = 256
MAX_DESCRIPTION_CHARS = 1000

MAX_LINKS = 3
MAX_LINK_CHARS = 300
"""A link is shown whole or not at all."""

CODES: dict[type[VertebraError], grpc.StatusCode] = {
    InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    NotFound: grpc.StatusCode.NOT_FOUND,
    Conflict: grpc.StatusCode.ALREADY_EXISTS,
    Precondition: grpc.StatusCode.FAILED_PRECONDITION,
    OutOfRange: grpc.StatusCode.OUT_OF_RANGE,
    Exhausted: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Corrupt: grpc.StatusCode.DATA_LOSS,
    Unavailable: grpc.StatusCode.UNAVAILABLE,
    Denied: grpc.StatusCode.PERMISSION_DENIED,
    Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A failure as it goes over the wire."""

    code: grpc.StatusCode
    message: str
    reason: str
    details: bytes
    """A serialised google.rpc.Status, at most 4 KiB."""


def failure_of(error: Exception, request_id: str) -> Failure:
    """Return what the caller may know of `error`.

    An error that is no kind of ours is a bug: its text may hold anything, so only the request id
    goes out, under which the log has the rest.
    """
    if not isinstance(error, VertebraError):
        message = f"internal error; the log has the details under request id {request_id}"
        info = ErrorInfo(reason="INTERNAL", domain=DOMAIN)
        return _failure(
            grpc.StatusCode.INTERNAL, message, [info, RequestInfo(request_id=request_id)]
        )
    return _failure(code_of(error), error.message, _details(error, request_id))


def code_of(error: VertebraError) -> grpc.StatusCode:
    """Return the status of an error by its kind."""
    for kind, code in CODES.items():
        if isinstance(error, kind):
            return code
    return grpc.StatusCode.INTERNAL


def _failure(code: grpc.StatusCode, message: str, details: list[Message]) -> Failure:
    message = _cut(_sound(message[: MAX_MESSAGE_BYTES + 1]))
    info = details[0]
    assert isinstance(info, ErrorInfo)
    status = Status(code=code.value[0], message=message, details=map(_packed, details))
    while status.ByteSize() > MAX_DETAILS_BYTES and _shorten(details):
        status = Status(code=code.value[0], message=message, details=map(_packed, details))
    return Failure(
        code=code, message=message, reason=info.reason, details=status.SerializeToString()
    )


def _details(error: VertebraError, request_id: str) -> list[Message]:
    metadata = {_sound(k): _sound(v)[:MAX_METADATA_CHARS] for k, v in error.metadata.items()}
    info = ErrorInfo(reason=error.error_reason, domain=DOMAIN, metadata=metadata)
    details: list[Message] = [info, RequestInfo(request_id=request_id)]
    if error.retry_after_s is not None:
        delay = Duration()
        delay.FromNanoseconds(int(error.retry_after_s * 1e9))
        details.append(RetryInfo(retry_delay=delay))
    if error.violations:
        details.append(_violations(error))
        _note_omitted(info, len(error.violations) - MAX_VIOLATIONS)
    links = [link for link in error.links if len(link.url) <= MAX_LINK_CHARS][:MAX_LINKS]
    if links:
        details.append(Help(links=map(_link, links)))
    return details


def _link(link: Link) -> Help.Link:
    return Help.Link(description=_sound(link.text[:MAX_LINK_CHARS]), url=_sound(link.url))


def _violations(error: VertebraError) -> Message:
    """The violations as the kind of detail that fits the kind of failure."""
    shown = error.violations[:MAX_VIOLATIONS]
    detail: Message
    if isinstance(error, Precondition):
        detail = failure = PreconditionFailure()
        for v in shown:
            failure.violations.add(
                type=error.error_reason,
                subject=_sound(v.field),
                description=_short(v.description),
            )
    else:
        detail = bad = BadRequest()
        for v in shown:
            bad.field_violations.add(field=_sound(v.field), description=_short(v.description))
    return detail


def _shorten(details: list[Message]) -> bool:
    """Drop the least useful piece of the details; return whether there was one."""
    info = details[0]
    assert isinstance(info, ErrorInfo)
    for detail in details:
        rows = _rows(detail)
        if rows:
            del rows[-1:]
            _note_omitted(info, 1 + int(info.metadata.get("violations_omitted", "0")))
            return True
    droppable = [key for key in info.metadata if key != "violations_omitted"]
    if not droppable:
        return False
    del info.metadata[max(droppable, key=lambda key: len(info.metadata[key]))]
    return True


def _rows(detail: Message) -> Any:  # two generated list types without a common one
    if isinstance(detail, BadRequest):
        return detail.field_violations
    if isinstance(detail, PreconditionFailure):
        return detail.violations
    return None


def _note_omitted(info: ErrorInfo, num_omitted: int) -> None:
    if num_omitted > 0:
        info.metadata["violations_omitted"] = str(num_omitted)


def _packed(detail: Message) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(detail)
    return packed


def _sound(text: str) -> str:
    """Return text that UTF-8 can hold: undecodable file names come as lone surrogates."""
    return text.encode("utf-8", "replace").decode()


def _short(description: str) -> str:
    """Return as much of a description as leaves room for others: one too long would be dropped."""
    sound = _sound(description[: MAX_DESCRIPTION_CHARS + 1])
    is_short = len(sound) <= MAX_DESCRIPTION_CHARS
    return sound if is_short else f"{sound[:MAX_DESCRIPTION_CHARS]} ..."


def _cut(message: str) -> str:
    """Return as much of a message as fits into the `grpc-message` trailer."""
    if _encoded_bytes(message) <= MAX_MESSAGE_BYTES:
        return message
    room = MAX_MESSAGE_BYTES - _encoded_bytes(" ...")
    kept = 0
    for size in _encoded_sizes(message):
        room -= size
        if room < 0:
            break
        kept += 1
    return f"{message[:kept]} ..."


def _encoded_bytes(text: str) -> int:
    return sum(_encoded_sizes(text))


def _encoded_sizes(text: str) -> Iterable[int]:
    return (len(quote(c, safe=" !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~")) for c in text)
