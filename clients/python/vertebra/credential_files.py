"""The files of credentials, as they are now: certificates that fit together, and the token."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from vertebra.credentials import Credentials, CredentialsUnusable, is_token

Stamp = tuple[tuple[int, int, int], ...]
"""Inode, size and time of change of some files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateBytes:
    """What the files hold, as gRPC wants it."""

    root: bytes | None
    chain: bytes | None
    key: bytes | None


class TokenSource:
    """The token, read again when its file changes; one that cannot be read now stays the last.

    Raises:
        CredentialsUnusable: when it is made, where the file holds no token.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._file = credentials.token_file
        self._token = credentials.token
        self._stamp: Stamp = ()
        if self._file is not None:
            self._stamp = stamp_of((self._file,))
            self._token = _token_in(self._file)

    def read(self) -> str:
        """Return the token for the next call."""
        if self._file is None:
            return self._token
        try:
            stamp = stamp_of((self._file,))
            if stamp != self._stamp:
                self._token, self._stamp = _token_in(self._file), stamp
        except CredentialsUnusable:
            pass
        return self._token


def read_certificates(credentials: Credentials) -> CertificateBytes:
    """Return what the certificate files hold.

    Raises:
        CredentialsUnusable: one cannot be read, they do not fit, or they changed meanwhile.
    """
    before = stamp_of(credentials.certificate_files)
    found = CertificateBytes(
        root=_read(credentials.ca), chain=_read(credentials.cert), key=_read(credentials.key)
    )
    _require_fit(credentials)
    if stamp_of(credentials.certificate_files) != before:
        raise CredentialsUnusable("the certificate files changed while they were read")
    return found


def stamp_of(files: tuple[Path, ...]) -> Stamp:
    """Return what changes when a file does. Raises CredentialsUnusable where one is not there."""
    try:
        stats = [file.stat() for file in files]
    except OSError as error:
        raise CredentialsUnusable(f"cannot read {error.filename}: {error.strerror}") from error
    return tuple((one.st_ino, one.st_size, one.st_mtime_ns) for one in stats)


def _require_fit(credentials: Credentials) -> None:
    """Raise CredentialsUnusable unless the files hold what they should: gRPC would not say why."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if credentials.ca is not None:
            context.load_verify_locations(credentials.ca)
    except ssl.SSLError as error:
        raise CredentialsUnusable(f"{credentials.ca} holds no certificates (PEM)") from error
    if credentials.cert is None or credentials.key is None:
        return
    try:
        context.load_cert_chain(credentials.cert, credentials.key, password=_no_password)
    except (ssl.SSLError, ValueError) as error:
        raise CredentialsUnusable(
            f"{credentials.cert} and {credentials.key} are not a certificate and its private key"
            " in PEM, or the key wants a password"
        ) from error


def _no_password() -> str:
    """Keep OpenSSL from asking the terminal."""
    return ""


def _read(file: Path | None) -> bytes | None:
    try:
        return file.read_bytes() if file is not None else None
    except OSError as error:
        raise CredentialsUnusable(f"cannot read {file}: {error.strerror}") from error


def _token_in(file: Path) -> str:
    """Return the file's only line."""
    try:
        token = (_read(file) or b"").decode("ascii").strip()
    except UnicodeDecodeError:
        token = ""
    if not is_token(token):
        raise CredentialsUnusable(f"{file} does not hold one token on one line")
    return token
