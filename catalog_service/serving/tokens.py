"""Signed tokens (JWT): whose a token is, or why it is not taken. Sources: RFC 7519, RFC 8725.

Issuer, audience and algorithms are the server's settings, never the token's choice. Until the
signature holds, nothing in a token is believed or repeated.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt

from catalog_service.errors import Unauthenticated, listed
from catalog_service.serving.jwks import IssuerKey, IssuerKeys

MAX_TOKEN_CHARS = 6144
"""All headers together have 8 KiB (`grpc.max_metadata_size`); beyond them gRPC refuses the call."""

MAX_KEY_ID_CHARS = 256
MAX_SUBJECT_CHARS = 256

SKEW_S = 60
"""Clocks may differ by so much."""

ALGORITHMS = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
)
"""Signatures by a private key. `none` and HS256, for which the public key would do, are not here.

Source: RFC 8725, 2.1 and 3.1."""

REQUIRED_CLAIMS = ["exp", "iss", "aud", "sub"]


class TokenRefused(Unauthenticated):
    """A token that is not taken."""

    reason = "TOKEN_INVALID"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRules:
    """Which signed tokens are taken."""

    issuer: str
    audience: str
    algorithms: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whose a token is."""

    name: str
    expires_at: float
    """Unix seconds; the difference between clocks is in it."""


class SignedTokens:
    """Reads signed tokens.

    Args:
        keys: of the issuer.
    """

    def __init__(
        self, rules: TokenRules, keys: IssuerKeys, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._rules = rules
        self._keys = keys
        self._clock = clock

    async def subject(self, token: str) -> Subject:
        """Return whose a token is.

        Raises:
            TokenRefused: why it is not taken, and what would be.
            KeysUnavailable: nobody's token can be read now.
        """
        algorithm, key_id = self._header(token)
        key = await self._keys.key(key_id)
        if key is None or key.algorithm not in ("", algorithm):
            raise TokenRefused(
                "no key of the issuer signed this token; get one from the issuer that this"
                f" server believes, {self._rules.issuer}"
            )
        return self._checked(_Claims(self._claims(token, key, algorithm)))

    def _header(self, token: str) -> tuple[str, str]:
        """Return the algorithm and the key id that an unread token claims, within bounds."""
        try:
            header = jwt.get_unverified_header(token)
        except Exception as error:  # a stranger's bytes: whatever they break, they are refused
            raise TokenRefused("the token cannot be read; it should be a signed JWT") from error
        algorithm, key_id = header.get("alg"), header.get("kid", "")
        if algorithm not in self._rules.algorithms:
            raise TokenRefused(
                "the token is not signed as this server wants it, with"
                f" {listed(self._rules.algorithms)}"
            )
        if not isinstance(key_id, str) or len(key_id) > MAX_KEY_ID_CHARS:
            raise TokenRefused(f"the token's key id is longer than {MAX_KEY_ID_CHARS} characters")
        if "crit" in header:
            raise TokenRefused("the token wants extensions ('crit') that this server does not know")
        return str(algorithm), key_id

    def _claims(self, token: str, key: IssuerKey, algorithm: str) -> dict[str, object]:
        """Return the claims of a token whose signature holds; times are not looked at yet."""
        try:
            return jwt.decode(
                token,
                key.key,
                algorithms=[algorithm],
                issuer=self._rules.issuer,
                audience=self._rules.audience,
                options={
                    "require": REQUIRED_CLAIMS,
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except jwt.InvalidIssuerError as error:
            raise TokenRefused(f"the token is not from {self._rules.issuer}") from error
        except jwt.InvalidAudienceError as error:
            raise TokenRefused(
                f"the token is for somebody else; ask for the audience {self._rules.audience!r}"
            ) from error
        except jwt.MissingRequiredClaimError as error:
            raise TokenRefused(f"the token lacks {error.claim!r}") from error
        except Exception as error:  # a stranger's bytes, as above
            raise TokenRefused("the token's signature does not hold") from error

    def _checked(self, claims: "_Claims") -> Subject:
        now = self._clock()
        ends, begins = claims.time("exp"), claims.time("nbf")
        if ends is None or now > ends + SKEW_S:
            raise TokenRefused(
                f"the token expired at {_written(ends)}; get a new one", reason="TOKEN_EXPIRED"
            )
        if begins is not None and now < begins - SKEW_S:
            raise TokenRefused(f"the token is not valid before {_written(begins)}")
        return Subject(name=claims.subject(), expires_at=ends + SKEW_S)


class _Claims:
    """Claims of a token whose signature holds."""

    def __init__(self, claims: dict[str, Any]) -> None:  # JSON
        self._claims = claims

    def time(self, name: str) -> float | None:
        """Return Unix seconds; None where there is no such claim. Raises TokenRefused."""
        value = self._claims.get(name)
        if value is None:
            return None
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not 0 <= value < 1e11:  # the year 5138; NaN is not within
            raise TokenRefused(f"the token's {name!r} is no time in seconds since 1970")
        return float(value)

    def subject(self) -> str:
        """Return the subject, which goes into logs. Raises TokenRefused."""
        subject = self._claims.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT_CHARS:
            raise TokenRefused(
                f"the token's 'sub' is not 1 to {MAX_SUBJECT_CHARS} characters of text"
            )
        if not subject.isprintable() or " " in subject:
            raise TokenRefused("the token's 'sub' has characters that no name should have")
        return subject


def _written(seconds: float | None) -> str:
    return datetime.fromtimestamp(seconds or 0, UTC).isoformat(timespec="seconds")
