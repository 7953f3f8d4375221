"""What the catalog's refusals are to our own callers."""

import grpc

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
    Unavailable,
    VertebraError,
    Violation,
)
from trainer_service.errors import CatalogRefusesTrainer, CatalogUnavailable
from vertebra.client_errors import TRIED_LONG_ENOUGH, RpcFailed

KINDS: dict[grpc.StatusCode, type[VertebraError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequest,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.ALREADY_EXISTS: Conflict,
    grpc.StatusCode.FAILED_PRECONDITION: Precondition,
    grpc.StatusCode.OUT_OF_RANGE: OutOfRange,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Exhausted,
    grpc.StatusCode.DATA_LOSS: Corrupt,
    grpc.StatusCode.PERMISSION_DENIED: Denied,
}
"""What the catalog's refusals are to our own callers. Every other status means: no answer."""

ABOUT_US = frozenset({"ROLE_MISSING"})
"""Reasons of PERMISSION_DENIED that are about this trainer; others are about a publisher."""


def error_of(failure: RpcFailed) -> VertebraError:
    """Return what the catalog said as one of our own kinds, with its whole message and reason."""
    if failure.code is grpc.StatusCode.UNAUTHENTICATED or failure.reason in ABOUT_US:
        return CatalogRefusesTrainer(
            f"the catalog does not let this trainer in: {failure.message} (it is the trainer's own"
            " certificate or token: VERTEBRA_TRAINER_CATALOG_CERT, _KEY, _TOKEN_FILE)",
            metadata=failure.metadata,
        )
    kind = Unavailable if failure.reason in TRIED_LONG_ENOUGH else KINDS.get(failure.code)
    if kind is None or failure.may_pass:
        return CatalogUnavailable(
            f"the catalog does not answer: {failure.message}",
            metadata=failure.metadata,
            retry_after_s=failure.retry_after_s or 1.0,
        )
    return kind(
        failure.message,
        reason=failure.reason or None,
        metadata=failure.metadata,
        violations=[
            Violation(field=one.field, description=one.description) for one in failure.violations
        ],
        retry_after_s=failure.retry_after_s,
        links=[Link(text=one.text, url=one.url) for one in failure.links],
    )
