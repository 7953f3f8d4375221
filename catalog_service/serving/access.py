"""The access file: who may call, in which role, how much at once. TOML, read again when it changes.

```toml
[[caller]]
name = "token:ci"                   # tokens: token:NAME
token_sha256 = "5c62e0a1..."        # of the token; the token itself is nowhere on the server
roles = ["user"]

[[caller]]
name = "spiffe://studio/ns/ml/*"    # certificates, by SPIFFE id; * is any text
roles = ["user"]
calls_at_once = 64
calls_per_second = 50.0

[[caller]]
name = "jwt:*"                      # signed tokens, by their subject
roles = ["viewer"]
```

The first row whose name fits decides. Nobody else gets in; who shows nothing is `anonymous`.
"""

import hashlib
import hmac
import logging
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from catalog_service.errors import Precondition, listed
from catalog_service.serving.door_files import stamp_of, warn_of_writers
from catalog_service.serving.principals import ANONYMOUS, Principal, Role
from catalog_service.serving.wildcards import WILDCARD, matcher

log = logging.getLogger(__name__)

TOKEN_KIND = "token:"
JWT_KIND = "jwt:"
SPIFFE_KIND = "spiffe://"
KINDS = (TOKEN_KIND, JWT_KIND, SPIFFE_KIND)

_SHA256 = re.compile(r"[0-9a-f]{64}")
MAX_FILE_BYTES = 1 << 20


class AccessUnusable(Precondition):
    """The access file lets nobody in, because it cannot be understood."""

    reason = "ACCESS_UNUSABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerRow:
    """A row of the file."""

    name: str
    """Exactly, or with `*`."""
    roles: frozenset[Role]
    calls_at_once: int | None = None
    calls_per_second: float | None = None
    fits: Callable[[str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What the file says."""

    rows: tuple[CallerRow, ...] = ()
    tokens: Mapping[bytes, tuple[str, float | None]] = field(default_factory=dict)
    """sha256 -> whose it is, and until when in Unix seconds."""

    def row_of(self, name: str) -> CallerRow | None:
        """Return the first row that a name fits."""
        return next((row for row in self.rows if row.fits(name)), None)

    def names(self, name: str) -> bool:
        """Return whether a row has exactly this name."""
        return any(row.name == name for row in self.rows)

    def principal(self, name: str, expires_at: float | None = None) -> Principal:
        """Return who has a name, without roles where no row fits."""
        row = self.row_of(name)
        return Principal(name=name, roles=row.roles if row else frozenset(), expires_at=expires_at)

    def holder_of(self, token: str) -> Principal | None:
        """Return whose token it is; None where it is nobody's, in the same time."""
        shown = hashlib.sha256(token.encode()).digest()
        found = [digest for digest in self.tokens if hmac.compare_digest(digest, shown)]
        if not found:
            return None
        return replace(self.principal(*self.tokens[found[0]]), token_sha256=found[0])

    def again(self, principal: Principal) -> Principal | None:
        """Return who somebody is who was let in before; None where that token is gone."""
        if principal.token_sha256 is None:
            return self.principal(principal.name, principal.expires_at)
        name, expires_at = self.tokens.get(principal.token_sha256, ("", None))
        return self.principal(name, expires_at) if name == principal.name else None


class AccessFile:
    """The file as it is now; the last good one while it is not.

    Attributes:
        is_taken: whether what the file holds now is what counts.

    Raises:
        AccessUnusable: when it is made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = stamp_of(path)
        self._access = read_access(path)
        self.is_taken = True
        warn_of_writers(path)

    def now(self) -> Access:
        """Return what the file says."""
        stamp = stamp_of(self._path)
        if stamp != self._stamp:
            self._stamp = stamp
            self._reread()
        return self._access

    def _reread(self) -> None:
        try:
            self._access = read_access(self._path)
        except AccessUnusable as error:
            self.is_taken = False
            log.error("the access file changed and is not taken: %s", error.message)
        else:
            self.is_taken = True
            log.info("took %d rows from %s", len(self._access.rows), self._path)
            warn_of_writers(self._path)


def read_access(path: Path) -> Access:
    """Return what an access file says.

    Raises:
        AccessUnusable: it cannot be read; all problems together.
    """
    try:
        text = path.read_bytes()[: MAX_FILE_BYTES + 1]
    except OSError as error:
        raise AccessUnusable(f"cannot read {path}: {error.strerror}") from error
    if len(text) > MAX_FILE_BYTES:
        raise AccessUnusable(f"{path} is larger than {MAX_FILE_BYTES} bytes")
    if not text.strip():  # editors empty a file before they write it
        raise AccessUnusable(
            f"{path} is empty; to let nobody in, write a comment into it: # nobody"
        )
    try:
        wire = _AccessWire.model_validate(tomllib.loads(text.decode()))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AccessUnusable(f"{path} is no TOML: {error}") from error
    except ValidationError as error:
        raise AccessUnusable(f"{path}: {_problems(error)}") from error
    problems = [*_contradictions(wire)]
    if problems:
        raise AccessUnusable(f"{path}: {listed(problems)}")
    return _access(wire)


def _digests(value: object) -> object:
    """Return a list of digests; what may be a token by mistake is not repeated."""
    digests = [value] if isinstance(value, str) else value
    if not isinstance(digests, list) or not all(
        isinstance(one, str) and _SHA256.fullmatch(one) for one in digests
    ):
        raise ValueError(
            "should be what `sha256sum` prints for the token, 64 digits; not the token itself"
        )
    return tuple(digests)


class _CallerWire(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: str = Field(min_length=1, max_length=512)
    roles: list[Role]
    token_sha256: Annotated[tuple[str, ...], BeforeValidator(_digests)] = ()
    expires: datetime | None = None
    calls_at_once: int | None = Field(default=None, ge=1)
    calls_per_second: float | None = Field(default=None, gt=0, allow_inf_nan=False)


class _AccessWire(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    caller: list[_CallerWire] = Field(default_factory=list)


def _contradictions(wire: _AccessWire) -> list[str]:
    """Return what is wrong with rows that are each well written."""
    problems = []
    seen: set[str] = set()
    for row in wire.caller:
        if row.name != ANONYMOUS and not row.name.startswith(KINDS):
            problems.append(
                f"{row.name!r} is no name of a caller: it begins with"
                f" {', '.join(KINDS)} or is {ANONYMOUS!r}"
            )
        if row.token_sha256 and (not row.name.startswith(TOKEN_KIND) or WILDCARD in row.name):
            problems.append(f"{row.name!r} has a token: name one caller, {TOKEN_KIND}NAME")
        if row.expires and (not row.token_sha256 or row.expires.tzinfo is None):
            problems.append(f"{row.name!r} expires: give a token with it, and a time with a zone")
        if seen.intersection(row.token_sha256):
            problems.append(f"{row.name!r} has the token of another row")
        seen.update(row.token_sha256)
    return problems


def _access(wire: _AccessWire) -> Access:
    pairs = [(bytes.fromhex(one), row) for row in wire.caller for one in row.token_sha256]
    return Access(
        rows=tuple(map(_row, wire.caller)),
        tokens={
            digest: (row.name, row.expires.timestamp() if row.expires else None)
            for digest, row in pairs
        },
    )


def _row(wire: _CallerWire) -> CallerRow:
    return CallerRow(
        name=wire.name,
        roles=frozenset(wire.roles),
        calls_at_once=wire.calls_at_once,
        calls_per_second=wire.calls_per_second,
        fits=matcher(wire.name),
    )


def _problems(error: ValidationError) -> str:
    """Return the problems without the values, which may be secrets."""
    return listed(
        [
            f"{'.'.join(map(str, one['loc']))}: {one['msg'].removeprefix('Value error, ')}"
            for one in error.errors(include_input=False, include_url=False)
        ]
    )
