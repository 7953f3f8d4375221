"""A server with doors on a free port: PathService, which tells who calls, and a service that no row
of the permissions names."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from catalog_service.serving.access import AccessFile
from catalog_service.serving.certificates import CertificateFiles, Certificates
from catalog_service.serving.doors import Doors
from catalog_service.serving.identity import Identity
from catalog_service.serving.jwks import IssuerKeys
from catalog_service.serving.path_servicer import PathServicer, path_registration
from catalog_service.serving.server import ServerParts, start_server
from catalog_service.serving.tokens import SignedTokens, TokenRules
from tests.fakes.authority import Authority, Issuer
from tests.fakes.echo_service import LOOPBACK, EchoServicer, echo_registration
from vertebra.diagnostics.v1 import path_service_pb2 as pb
from vertebra.diagnostics.v1.path_service_pb2_grpc import PathServiceStub

LOOK_S = 0.02
"""How soon open streams follow a change of the access file."""

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """A running server, and calls to it."""

    address: str
    authority: Authority
    access_file: Path
    parts: ServerParts

    @asynccontextmanager
    async def channel(
        self, pair: tuple[bytes, bytes] | None = None, *, is_plain: bool = False
    ) -> AsyncIterator[grpc.aio.Channel]:
        """Yield a channel, with a certificate of the caller's where `pair` is one."""
        own = (("grpc.use_local_subchannel_pool", 1),)
        if is_plain:
            made = grpc.aio.insecure_channel(self.address, options=own)
        else:
            cert, key = pair or (None, None)
            shown = grpc.ssl_channel_credentials(self.authority.pem, key, cert)
            made = grpc.aio.secure_channel(self.address, shown, options=own)
        async with made as channel:
            yield channel

    async def who(self, *headers: tuple[str, str], pair: tuple[bytes, bytes] | None = None) -> str:
        """Return who the server takes a caller for."""
        async with self.channel(pair) as channel:
            stub: Any = PathServiceStub(channel)
            answer = await stub.Echo(pb.EchoRequest(), metadata=headers, timeout=60)
            return str(answer.principal)


def bearer(token: str) -> tuple[str, str]:
    """Return the header that shows a token."""
    return ("authorization", f"Bearer {token}")


@asynccontextmanager
async def guarded_server(
    folder: Path,
    access: str,
    *,
    issuer: Issuer | None = None,
    asks: bool = False,
    mesh_identities: Sequence[str] = (),
    late_s: float = 0,
) -> AsyncIterator[Guarded]:
    """Run a TLS server whose access file says `access`.

    Args:
        issuer: whose signed tokens are taken.
        asks: whether callers show certificates.
        mesh_identities: whose forwarded certificates are believed.
        late_s: how much the clock that signed tokens are compared with is late.
    """
    authority = Authority()
    cert, key = await asyncio.to_thread(authority.files, folder, "server", hosts=["127.0.0.1"])
    access_file = folder / "access.toml"
    access_file.write_text(access)
    reread = AccessFile(access_file)
    client_ca = authority.file(folder) if asks else None
    doors = Doors(
        certificates=Certificates(CertificateFiles(cert=cert, key=key, client_ca=client_ca)),
        access=reread,
        identity=Identity(
            reread,
            signed=signed(issuer, late_s) if issuer else None,
            mesh_identities=mesh_identities,
        ),
        look_s=LOOK_S,
    )
    parts = ServerParts(doors=doors)
    registrations = [
        path_registration(PathServicer(parts.drain)),
        echo_registration(EchoServicer()),
    ]
    server = await start_server(LOOPBACK, registrations, parts=parts)
    try:
        yield Guarded(
            address=server.address, authority=authority, access_file=access_file, parts=parts
        )
    finally:
        await server.drain_and_stop()


def doors_of(access_file: Path, issuer: Issuer, late_s: float) -> Doors:
    """Return doors in plain text, for tokens that a late clock lets in."""
    access = AccessFile(access_file)
    identity = Identity(access, signed=signed(issuer, late_s))
    return Doors(access=access, identity=identity, look_s=LOOK_S)


def signed(issuer: Issuer, late_s: float = 0) -> SignedTokens:
    """Return what reads an issuer's tokens."""
    rules = TokenRules(issuer=issuer.url, audience=issuer.audience, algorithms=("RS256", "ES256"))
    return SignedTokens(rules, IssuerKeys(issuer.key_set), clock=lambda: time.time() - late_s)
