"""Who calls: a name, the roles it has here, and until when that is known."""

from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum


class Role(Enum):
    """What somebody is here for; `permissions.py` says what that allows."""

    VIEWER = "viewer"
    USER = "user"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who calls.

    The kind is a part of the name, so that no issuer can name somebody else's callers:
    `spiffe://studio/ns/ml/sa/ann` from a certificate, `jwt:ann` from a signed token, `token:ci`
    from a token of the access file, `anonymous`.
    """

    name: str
    roles: frozenset[Role] = frozenset()
    expires_at: float | None = None
    """Unix seconds; None: does not expire."""
    token_sha256: bytes | None = field(default=None, repr=False)
    """Of the access file's token that was shown; None where something else was."""


ANONYMOUS = "anonymous"
"""The name of a caller who shows nothing."""

EVERYBODY = Principal(name=ANONYMOUS, roles=frozenset(Role))
"""Any caller of a server without an access file: who reaches it may do everything."""

caller: ContextVar[Principal] = ContextVar("caller", default=EVERYBODY)
"""Who makes the call that is being served."""
