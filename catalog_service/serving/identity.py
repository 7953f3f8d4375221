"""Finds out who calls, from what the connection and the headers show.

A token comes before a certificate: behind a gateway the certificate is the gateway's. What is shown
and is not good is refused, never passed over for something weaker.
"""

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from catalog_service.errors import Unauthenticated, listed
from catalog_service.serving.access import JWT_KIND, AccessFile
from catalog_service.serving.principals import ANONYMOUS, Principal
from catalog_service.serving.tokens import MAX_TOKEN_CHARS, SignedTokens, TokenRefused
from catalog_service.serving.wildcards import matcher

AUTHORIZATION = "authorization"
FORWARDED_CERTIFICATE = "x-forwarded-client-cert"
"""Written by Envoy and by anybody else. Source: Envoy's documentation of this header."""

SPIFFE_ID = re.compile(r"spiffe://[a-z0-9._-]{1,255}(/(?!\.{1,2}(/|$))[A-Za-z0-9._-]+)+")
"""Source: SPIFFE-ID.md of the SPIFFE standards, 2."""

MAX_SPIFFE_CHARS = 2048
MAX_FORWARDED_CHARS = 8192

_PAIR = r'([A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^",;]*)'
_PAIRS = re.compile(_PAIR)
_ELEMENT = re.compile(f"{_PAIR}(;{_PAIR})*")
"""One element of the header. Several, or a quote that is left open, would let a caller's own header
run into the gateway's."""


class CertificateUnnamed(Unauthenticated):
    """The caller's certificate is good, and says nobody's name."""

    reason = "CERTIFICATE_UNNAMED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a caller shows."""

    certificate: Mapping[str, Sequence[bytes]]
    """gRPC's auth context of the connection: what was proven in the handshake."""
    headers: Sequence[tuple[str, str | bytes]]
    """As they came, repeated ones too."""

    def values(self, name: str) -> list[str]:
        """Return every value of a header."""
        return [value for key, value in self.headers if key == name and isinstance(value, str)]


class Identity:
    """Finds out who calls.

    Args:
        access: whose token is whose, and who has which role.
        signed: reads signed tokens; None where none are taken.
        mesh_identities: SPIFFE ids, `*` for any text, of gateways that say whom they speak for.
    """

    def __init__(
        self,
        access: AccessFile,
        *,
        signed: SignedTokens | None = None,
        mesh_identities: Sequence[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._access = access
        self._signed = signed
        self._clock = clock
        self._is_mesh: list[Callable[[str], bool]] = list(map(matcher, mesh_identities))

    async def of(self, shown: Shown) -> Principal:
        """Return who calls.

        Raises:
            Unauthenticated: nobody can tell, and what would help.
            KeysUnavailable: nobody can tell now.
        """
        if token := _token(shown.values(AUTHORIZATION)):
            return await self._holder(token)
        if name := self._certified(shown):
            return self._access.now().principal(name)
        nobody = self._access.now().principal(ANONYMOUS)
        if not nobody.roles:
            raise Unauthenticated(
                "who calls? Show a token ('authorization: Bearer TOKEN'; --token-file), or a client"
                " certificate with a SPIFFE id where this server asks for one (--cert, --key)"
            )
        return nobody

    async def _holder(self, token: str) -> Principal:
        access = self._access.now()
        holder = access.holder_of(token)
        if holder is not None:
            return self._not_expired(holder)
        if self._signed is None or token.count(".") != 2:
            raise TokenRefused("this server does not know the token; ask whoever keeps its callers")
        subject = await self._signed.subject(token)
        return access.principal(f"{JWT_KIND}{subject.name}", subject.expires_at)

    def _not_expired(self, holder: Principal) -> Principal:
        if holder.expires_at is not None and holder.expires_at <= self._clock():
            raise TokenRefused(
                f"the token of {holder.name} expired; get a new one", reason="TOKEN_EXPIRED"
            )
        return holder

    def _certified(self, shown: Shown) -> str:
        """Return the SPIFFE id of the caller's certificate; empty where none was shown.

        A gateway that forwards none speaks for somebody who showed it none. Its own name, which a
        row with `*` may fit, is that caller's only where a row has exactly this name.
        """
        peer = _peer_name(shown.certificate)
        if not peer or not any(is_mesh(peer) for is_mesh in self._is_mesh):
            return peer
        if forwarded := shown.values(FORWARDED_CERTIFICATE):
            return forwarded_name(forwarded)
        return peer if self._access.now().names(peer) else ""


def forwarded_name(headers: Sequence[str]) -> str:
    """Return whom a gateway speaks for.

    Raises:
        CertificateUnnamed: it does not name exactly one; whatever a caller sent is then in there.
    """
    header = headers[0] if len(headers) == 1 else ""
    is_one = len(header) <= MAX_FORWARDED_CHARS and _ELEMENT.fullmatch(header)
    pairs = _PAIRS.findall(header) if is_one else []
    names = [value.strip('"') for key, value in pairs if key.lower() == "uri"]
    if len(names) != 1 or not _is_spiffe_id(names[0]):
        raise CertificateUnnamed(
            f"the gateway's {FORWARDED_CERTIFICATE} does not name one caller by one SPIFFE id;"
            " it should set the header anew for each call (Envoy: SANITIZE_SET), with URI"
        )
    return str(names[0])


def _token(values: Sequence[str]) -> str:
    """Return the token that is shown; empty where none is. Raises TokenRefused."""
    if not values:
        return ""
    if len(values) > 1:
        raise TokenRefused("several 'authorization' headers: send one, 'Bearer TOKEN'")
    scheme, _, token = values[0].partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise TokenRefused("'authorization' should be 'Bearer TOKEN'")
    if not token.isascii():
        raise TokenRefused("the token has characters that no token has")
    if len(token) > MAX_TOKEN_CHARS:
        raise TokenRefused(f"the token is longer than {MAX_TOKEN_CHARS} characters")
    return token


def _peer_name(certificate: Mapping[str, Sequence[bytes]]) -> str:
    """Return the peer's SPIFFE id, which gRPC has only where it is the certificate's one URI.

    Raises:
        CertificateUnnamed: there is a certificate without.
    """
    ids = [one.decode("utf-8", "replace") for one in certificate.get("peer_spiffe_id", ())]
    if len(ids) == 1 and _is_spiffe_id(ids[0]):
        return ids[0]
    if "x509_pem_cert" not in certificate:
        return ""
    raise CertificateUnnamed(
        "the client certificate does not have one SPIFFE id (spiffe://...) as its only URI; it has"
        f" {listed(_names(certificate.get('x509_subject_alternative_name', ()))) or 'no names'}:"
        " use another certificate, or a token beside it"
    )


def _names(values: Iterable[bytes]) -> list[str]:
    return [repr(value.decode("utf-8", "replace")[:100]) for value in values]


def _is_spiffe_id(text: str) -> bool:
    return len(text) <= MAX_SPIFFE_CHARS and SPIFFE_ID.fullmatch(text) is not None
