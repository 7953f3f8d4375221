"""The server's certificate, its key and whom it asks for theirs: read from files, and read again
when they change, without a restart.

gRPC asks before each handshake. Files that are half-written or do not fit together are not taken:
the last good ones stay until the files change again.
"""

import contextlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from catalog_service.errors import Precondition
from catalog_service.serving.door_files import Stamp, stamp_of, warn_of_readers

log = logging.getLogger(__name__)

_UNREADABLE = (ValueError, TypeError)
"""What `cryptography` raises for bytes that are no PEM, and for a key that wants a password."""

_BEGIN = b"-----BEGIN CERTIFICATE-----"


class CertificateUnusable(Precondition):
    """The certificate files do not let anybody in."""

    reason = "CERTIFICATE_UNUSABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFiles:
    """Files in PEM."""

    cert: Path
    """The server's certificate, then those that link it to an authority."""
    key: Path
    client_ca: Path | None = None
    """Authorities of callers' certificates; every caller then shows one. None: nobody is asked."""

    def present(self) -> tuple[Path, ...]:
        """Return the files that there are."""
        return tuple(file for file in (self.cert, self.key, self.client_ca) if file)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Material:
    cert: bytes
    key: bytes
    client_ca: bytes | None
    begins: datetime
    ends: datetime

    def configuration(self) -> grpc.ServerCertificateConfiguration:
        """Return it as gRPC wants it."""
        return grpc.ssl_server_certificate_configuration(
            [(self.key, self.cert)], root_certificates=self.client_ca
        )


class Certificates:
    """What is shown in handshakes.

    Attributes:
        is_taken: whether the files held what counts, when they were last looked at.

    Raises:
        CertificateUnusable: when it is made; later, the last good files count.
    """

    def __init__(self, files: CertificateFiles) -> None:
        self._files = files
        self._lock = threading.Lock()
        self._stamps = _stamps(files)
        self._material = read_certificates(files)
        self.is_taken = True
        warn_of_readers(files.key)
        self._tell("serving with a certificate")

    def credentials(self) -> grpc.ServerCredentials:
        """Return what a server's port is opened with."""
        return grpc.dynamic_ssl_server_credentials(
            self._material.configuration(),
            cast(Callable[[], grpc.ServerCertificateConfiguration], self.if_changed),
            require_client_authentication=self._files.client_ca is not None,
        )

    def if_changed(self) -> grpc.ServerCertificateConfiguration | None:
        """Return what the files hold now; None where that is what it was. gRPC's threads call it.

        Source: grpc.dynamic_ssl_server_credentials, `certificate_configuration_fetcher`.
        """
        with self._lock:
            stamps = _stamps(self._files)
            if stamps == self._stamps:
                return None
            self._stamps = stamps
            try:
                self._material = read_certificates(self._files)
            except CertificateUnusable as error:
                self.is_taken = False
                log.warning("certificate files changed and are not taken: %s", error.message)
                return None
            self.is_taken = True
            warn_of_readers(self._files.key)
            self._tell("took the new certificate")
            return self._material.configuration()

    def life(self) -> tuple[float, float]:
        """Return from when and until when, in Unix seconds, the certificate is good that the next
        caller is shown. Only gRPC is told of a new one, once, when it asks.
        """
        with self._lock:
            material = self._material
            if _stamps(self._files) != self._stamps:
                with contextlib.suppress(CertificateUnusable):
                    material = read_certificates(self._files)
        return material.begins.timestamp(), material.ends.timestamp()

    def _tell(self, what: str) -> None:
        ends = self._material.ends
        level = logging.WARNING if ends <= datetime.now(UTC) else logging.INFO
        state = "expired" if level == logging.WARNING else "ends"
        log.log(level, "%s from %s that %s %s", what, self._files.cert, state, ends.isoformat())


def read_certificates(files: CertificateFiles) -> _Material:
    """Return what the files hold.

    Raises:
        CertificateUnusable: one cannot be read, or the key is another certificate's.
    """
    cert, key = _read(files.cert), _read(files.key)
    client_ca = _read(files.client_ca) if files.client_ca else None
    leaf = _certificates(cert, files.cert)[0]
    if client_ca is not None:
        _certificates(client_ca, files.client_ca)
    try:
        private = load_pem_private_key(key, password=None)
    except _UNREADABLE as error:
        raise CertificateUnusable(
            f"{files.key} holds no private key in PEM without a password"
        ) from error
    wanted, found = (
        one.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        for one in (leaf.public_key(), private.public_key())
    )
    if wanted != found:
        raise CertificateUnusable(f"the key in {files.key} is not that of {files.cert}")
    return _Material(
        cert=cert,
        key=key,
        client_ca=client_ca,
        begins=leaf.not_valid_before_utc,
        ends=leaf.not_valid_after_utc,
    )


def _certificates(pem: bytes, file: Path | None) -> list[x509.Certificate]:
    try:
        found = x509.load_pem_x509_certificates(pem)
    except _UNREADABLE as error:
        raise CertificateUnusable(f"{file} holds no certificates in PEM") from error
    if len(found) != pem.count(_BEGIN):  # the parser passes over a last one that is cut short
        raise CertificateUnusable(f"{file} ends in the middle of a certificate")
    return found


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CertificateUnusable(f"cannot read {file}: {error.strerror}") from error


def _stamps(files: CertificateFiles) -> tuple[Stamp, ...]:
    return tuple(map(stamp_of, files.present()))
