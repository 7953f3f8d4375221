"""Settings of who gets in, the same for both services, and the doors that they describe."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from catalog_service.errors import Violation
from catalog_service.serving.access import SPIFFE_KIND, AccessFile
from catalog_service.serving.certificates import CertificateFiles, Certificates
from catalog_service.serving.doors import Doors
from catalog_service.serving.identity import Identity
from catalog_service.serving.jwks import IssuerKeys, key_source, require_key_place
from catalog_service.serving.listen import Listen
from catalog_service.serving.settings_reader import (
    Address,
    OptionalPath,
    settings_invalid,
    variable_name,
)
from catalog_service.serving.tokens import ALGORITHMS, SignedTokens, TokenRules


def _words(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(word for word in value.replace(",", " ").split())


def _known_algorithms(names: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [name for name in names if name not in ALGORITHMS]
    if unknown or not names:
        raise ValueError(f"should be some of {', '.join(ALGORITHMS)}")
    return names


def _spiffe_ids(patterns: tuple[str, ...]) -> tuple[str, ...]:
    if not all(one.startswith(SPIFFE_KIND) and len(one) > len(SPIFFE_KIND) for one in patterns):
        raise ValueError("should be SPIFFE ids, such as spiffe://studio/ns/mesh/sa/gateway")
    return patterns


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)]


class DoorSettings(BaseSettings):
    """Fields that both services have, for pydantic to read with their own prefix."""

    model_config = SettingsConfigDict(frozen=True, use_attribute_docstrings=True)

    listen: Address
    """Where the gRPC services answer; port 0 lets the system choose."""

    tls_cert: OptionalPath = None
    """PEM file with the service's certificate and what links it to its authority; callers then use
    TLS. Read again when it changes, as the two that follow."""

    tls_key: OptionalPath = None
    """PEM file with the certificate's private key."""

    tls_client_ca: OptionalPath = None
    """PEM file with the authorities of callers' certificates; every caller then shows one, whose
    SPIFFE id is its name."""

    plaintext: bool = False
    """Says aloud that callers from other hosts are answered in plain text, such as behind a mesh
    that encrypts. Without it, and without a certificate, only a loopback address is listened on."""

    access: OptionalPath = None
    """The access file, TOML: who may call, in which role, how much. Read again when it changes.
    Without it everybody who reaches the port may do everything."""

    mesh_identities: Annotated[Words, AfterValidator(_spiffe_ids)] = ()
    """SPIFFE ids, `*` for any text, separated by commas, of gateways whose header
    x-forwarded-client-cert says whom they speak for; nobody else's is looked at."""

    jwt_issuer: str = ""
    """Who signs the tokens (JWT) that are taken, as their `iss` has it; none are unless given."""

    jwt_audience: str = ""
    """What those tokens have as `aud`: this service, as the issuer calls it."""

    jwt_keys: Annotated[str, AfterValidator(require_key_place)] = ""
    """The issuer's public keys (JWKS): a file, or an https:// URL, which is asked at most once a
    minute. SSL_CERT_FILE names other authorities for it."""

    jwt_algorithms: Annotated[Words, AfterValidator(_known_algorithms)] = Field(
        default=("RS256", "ES256")
    )
    """How those tokens may be signed, separated by commas."""


def doors_of(settings: DoorSettings) -> Doors:
    """Return the doors that settings describe.

    Raises:
        SettingsInvalid: settings that contradict each other, all of them together.
        CertificateUnusable, AccessUnusable: what a file has cannot be used.
    """
    problems = [*_contradictions(settings)]
    if problems:
        raise settings_invalid(
            [
                Violation(field=variable_name(type(settings), name), description=why)
                for name, why in problems
            ]
        )
    access = AccessFile(settings.access) if settings.access else None
    return Doors(
        certificates=_certificates(settings),
        access=access,
        identity=_identity(settings, access) if access else None,
    )


def _contradictions(settings: DoorSettings) -> list[tuple[str, str]]:
    """Return fields, and why each cannot stand with the others."""
    found = []
    if settings.tls_cert is None and settings.tls_key is not None:
        found.append(("tls_cert", "is missing beside the key"))
    if settings.tls_key is None and settings.tls_cert is not None:
        found.append(("tls_key", "is missing beside the certificate"))
    if settings.tls_client_ca is not None and settings.tls_cert is None:
        found.append(("tls_cert", "is missing: callers show certificates only to a TLS server"))
    if settings.tls_cert is None and not settings.plaintext and not settings.listen.is_loopback:
        found.append(("listen", _beyond(settings.listen)))
    jwt = (settings.jwt_issuer, settings.jwt_audience, settings.jwt_keys)
    if any(jwt) and not all(jwt):
        found.append(("jwt_issuer", "issuer, audience and keys come together"))
    if settings.mesh_identities and settings.tls_client_ca is None:
        found.append(("tls_client_ca", "is missing: a gateway proves its name by a certificate"))
    if settings.access is None and (any(jwt) or settings.tls_client_ca or settings.mesh_identities):
        found.append(("access", "is missing: who calls is known, and nobody may do anything"))
    return found


def _beyond(listen: Listen) -> str:
    return (
        f"{listen} is reached from other hosts, in plain text: give a certificate"
        " (TLS_CERT, TLS_KEY), say PLAINTEXT=1 where a mesh encrypts, or listen on 127.0.0.1"
    )


def _certificates(settings: DoorSettings) -> Certificates | None:
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    return Certificates(
        CertificateFiles(
            cert=settings.tls_cert, key=settings.tls_key, client_ca=settings.tls_client_ca
        )
    )


def _identity(settings: DoorSettings, access: AccessFile) -> Identity:
    return Identity(
        access, signed=_signed_tokens(settings), mesh_identities=settings.mesh_identities
    )


def _signed_tokens(settings: DoorSettings) -> SignedTokens | None:
    if not settings.jwt_keys:
        return None
    rules = TokenRules(
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
        algorithms=settings.jwt_algorithms,
    )
    return SignedTokens(rules, IssuerKeys(*key_source(settings.jwt_keys)))
