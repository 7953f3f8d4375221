"""An authority that issues certificates and signs tokens, for tests of who gets in.

authority = Authority()
cert, key = authority.files(folder, "server", hosts=["127.0.0.1"])
cert, key = authority.files(folder, "ann", uris=["spiffe://studio/ns/ml/sa/ann"])
"""

import datetime
import ipaddress
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


class Authority:
    """A certificate authority with its own key."""

    def __init__(self, name: str = "test authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        builder = self._builder(self._name, self._key.public_key(), DAY)
        builder = builder.add_extension(constraints, critical=True)
        self._cert = builder.sign(self._key, hashes.SHA256())

    @property
    def pem(self) -> bytes:
        """What others trust."""
        return self._cert.public_bytes(serialization.Encoding.PEM)

    def pair(
        self,
        *,
        hosts: Sequence[str] = (),
        uris: Sequence[str] = (),
        life: datetime.timedelta = DAY,
    ) -> tuple[bytes, bytes]:
        """Return a certificate and its key, both PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [*map(_host, hosts), *map(x509.UniformResourceIdentifier, uris)]
        builder = self._builder(_name("somebody"), key.public_key(), life)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        made = builder.sign(self._key, hashes.SHA256())
        return made.public_bytes(serialization.Encoding.PEM), _pem(key)

    def files(self, folder: Path, name: str, **wanted: Any) -> tuple[Path, Path]:
        """Write a certificate and its key; return where."""
        paths = folder / f"{name}.pem", folder / f"{name}.key"
        for path, content in zip(paths, self.pair(**wanted), strict=True):
            replace(path, content)
        paths[1].chmod(0o600)
        return paths

    def file(self, folder: Path, name: str = "ca.pem") -> Path:
        """Write what others trust; return where."""
        replace(folder / name, self.pem)
        return folder / name

    def _builder(
        self, subject: x509.Name, public_key: ec.EllipticCurvePublicKey, life: datetime.timedelta
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 2 * DAY)
            .not_valid_after(now + life)
        )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def replace(path: Path, content: bytes) -> None:
    """Put a file there at once, as those who renew certificates do."""
    temporary = path.with_name(f".{path.name}")
    temporary.write_bytes(content)
    temporary.replace(path)


class Issuer:
    """Who signs tokens (JWT), with one key that can be changed."""

    url = "https://login.studio.test"
    audience = "vertebra"

    def __init__(self, key_id: str = "first") -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.key_id = key_id

    @property
    def public_pem(self) -> bytes:
        """The public key, which anybody can have."""
        return self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def key_set(self) -> bytes:
        """Return the public key as a JSON Web Key Set."""
        row = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return json.dumps({"keys": [{**row, "kid": self.key_id, "alg": "RS256"}]}).encode()

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Return claims of somebody called ann; None leaves one out."""
        now = int(time.time())
        whole = {
            "iss": self.url,
            "aud": self.audience,
            "sub": "ann",
            "iat": now,
            "exp": now + 86_400,
            **changes,
        }
        return {name: value for name, value in whole.items() if value is not None}

    def token(self, *, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """Return a signed token."""
        headers = {"kid": self.key_id, **(header or {})}
        return jwt.encode(self.claims(**changes), self.key, algorithm="RS256", headers=headers)
