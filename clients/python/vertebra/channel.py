"""Opens channels: options, TLS, tokens, and a new channel when certificate files change.

gRPC reads a client's certificate once, when a channel is made. Programs outlive certificates, so
stubs get a channel of ours that makes the real one anew when the files change; calls under way
end on the one that they began on.
"""

import json
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc

from vertebra.credentials import PLAIN, Credentials, CredentialsUnusable

UNARY_ATTEMPTS = 4
STREAMS = (
    ("vertebra.blob.v1.BlobService", "ReadBlob"),
    ("vertebra.blob.v1.BlobService", "ReadTensors"),
    ("vertebra.blob.v1.BlobService", "WriteBlob"),
    ("vertebra.catalog.v1.ModelService", "BuildModel"),
    ("vertebra.catalog.v1.StorageService", "ExportBundle"),
    ("vertebra.catalog.v1.WeightsService", "EnsureWeights"),
    ("vertebra.trainer.v1.TrainJobService", "WatchTrainJob"),
)
"""The streaming calls of the contract: excluded from gRPC's own retries."""

SERVICE_CONFIG = {
    "methodConfig": [
        {"name": [{"service": service, "method": method} for service, method in STREAMS]},
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": UNARY_ATTEMPTS,
                "initialBackoff": "0.1s",
                "maxBackoff": "5s",
                "backoffMultiplier": 3,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        },
    ],
    "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1},
}
"""How gRPC repeats unary calls. Source: gRFC A6."""

CHANNEL_OPTIONS: tuple[tuple[str, Any], ...] = (
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.ping_timeout_ms", 20_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    ("grpc.http2.max_frame_size", 16 * 1024 * 1024 - 1),
    ("grpc.service_config", json.dumps(SERVICE_CONFIG)),
)
"""Pings find a dead connection within 50 s; servers refuse them closer than 10 s. gRPC's own would
be waited for a minute, and ours not sent meanwhile. A message of 1 MiB comes in one frame, not in
64: 0-15 % less CPU time, as measured. A service that was away is looked for every 5 s."""

NO_PROXY = (("grpc.enable_http_proxy", 0),)
"""With a token in plain text: a proxy would read it, and gRPC asks one for loopback addresses."""

LONGEST_STREAM_S = 2400.0
"""Streams rotate after 30 min; then a channel whose certificate was replaced has no calls left."""

Stamp = tuple[tuple[int, int, int], ...]
"""Inode, size and time of change of some files."""


def open_channel(address: str, credentials: Credentials | None = None) -> grpc.Channel:
    """Return a channel to `host:port`.

    Raises:
        CredentialsUnusable: files that cannot be read or do not fit, or a token in plain text.
    """
    shown = credentials or PLAIN
    shown.require_fit_for(address)
    if not shown.is_encrypted and not shown.has_token:
        return grpc.insecure_channel(address, options=CHANNEL_OPTIONS)
    return RenewedChannel(address, shown)


class RenewedChannel(grpc.Channel):
    """A channel with certificates or a token, as the files say at the moment of each call.

    Raises:
        CredentialsUnusable: when it is made; later, the last files that could be read count.
    """

    def __init__(self, address: str, credentials: Credentials) -> None:
        self._address = address
        self._credentials = credentials
        self._lock = threading.Lock()
        self._retired: list[tuple[float, grpc.Channel]] = []
        self._stamp = _stamp(credentials.certificate_files)
        self._channel = _made(address, credentials)
        self._token = _Token(credentials)

    def current(self) -> grpc.Channel:
        """Return the channel for the next call."""
        stamp = self._new_stamp()
        if stamp is not None:
            self._renew(stamp)
        return self._channel

    def metadata(self, given: Any) -> Any:
        """Return a call's metadata, with the token where there is one."""
        if not self._credentials.has_token:
            return given
        return (*(given or ()), ("authorization", f"Bearer {self._token.read()}"))

    def unary_unary(self, *arguments: Any, **options: Any) -> Any:
        """Return a callable for one answer to one request."""
        return _Method(self, lambda channel: channel.unary_unary(*arguments, **options))

    def unary_stream(self, *arguments: Any, **options: Any) -> Any:
        """Return a callable for a stream of answers."""
        return _Method(self, lambda channel: channel.unary_stream(*arguments, **options))

    def stream_unary(self, *arguments: Any, **options: Any) -> Any:
        """Return a callable for one answer to a stream of requests."""
        return _Method(self, lambda channel: channel.stream_unary(*arguments, **options))

    def stream_stream(self, *arguments: Any, **options: Any) -> Any:
        """Return a callable for streams both ways."""
        return _Method(self, lambda channel: channel.stream_stream(*arguments, **options))

    def subscribe(self, callback: Any, try_to_connect: bool | None = False) -> None:
        """Tell `callback` of the connectivity of what is the channel now."""
        self._channel.subscribe(callback, try_to_connect=bool(try_to_connect))

    def unsubscribe(self, callback: Any) -> None:
        """Tell it no more."""
        self._channel.unsubscribe(callback)

    def close(self) -> None:
        """End all calls."""
        with self._lock:
            for channel in (self._channel, *(retired for _, retired in self._retired)):
                channel.close()
            self._retired.clear()

    def __enter__(self) -> "RenewedChannel":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _new_stamp(self) -> Stamp | None:
        try:
            stamp = _stamp(self._credentials.certificate_files)
        except CredentialsUnusable:
            return None  # being replaced: the next call looks again
        return stamp if stamp != self._stamp else None

    def _renew(self, stamp: Stamp) -> None:
        """Make the channel anew, unless the files are half-written."""
        with self._lock:
            if stamp == self._stamp:
                return
            try:
                made = _made(self._address, self._credentials)
            except CredentialsUnusable:
                return
            now = time.monotonic()
            old = [one for one in self._retired if now - one[0] > LONGEST_STREAM_S]
            for retired in old:
                self._retired.remove(retired)
                retired[1].close()
            self._retired.append((now, self._channel))
            self._channel, self._stamp = made, stamp


class _Method:
    """One rpc, on whatever the channel is when it is called."""

    def __init__(self, owner: RenewedChannel, make: Callable[[grpc.Channel], Any]) -> None:
        self._owner = owner
        self._make = make
        self._made: tuple[grpc.Channel, Any] | None = None

    def __call__(self, request: Any, *, metadata: Any = None, **options: Any) -> Any:
        return self._now()(request, metadata=self._owner.metadata(metadata), **options)

    def with_call(self, request: Any, *, metadata: Any = None, **options: Any) -> Any:
        """Return the answer and the call."""
        return self._now().with_call(request, metadata=self._owner.metadata(metadata), **options)

    def future(self, request: Any, *, metadata: Any = None, **options: Any) -> Any:
        """Return a future answer."""
        return self._now().future(request, metadata=self._owner.metadata(metadata), **options)

    def _now(self) -> Any:
        channel, made = self._owner.current(), self._made
        if made is None or made[0] is not channel:
            made = self._made = (channel, self._make(channel))
        return made[1]


class _Token:
    """The token, read again when its file changes; one that cannot be read now stays the last."""

    def __init__(self, credentials: Credentials) -> None:
        self._file = credentials.token_file
        self._token = credentials.token
        self._stamp: Stamp = ()
        if self._file is not None:
            self._stamp = _stamp((self._file,))
            self._token = _token_in(self._file)

    def read(self) -> str:
        if self._file is None:
            return self._token
        try:
            stamp = _stamp((self._file,))
            if stamp != self._stamp:
                self._token, self._stamp = _token_in(self._file), stamp
        except CredentialsUnusable:
            pass
        return self._token


def _made(address: str, credentials: Credentials) -> grpc.Channel:
    if not credentials.is_encrypted:
        return grpc.insecure_channel(address, options=(*CHANNEL_OPTIONS, *NO_PROXY))
    before = _stamp(credentials.certificate_files)
    root, key, chain = map(_read, (credentials.ca, credentials.key, credentials.cert))
    _require_pair(credentials)
    if _stamp(credentials.certificate_files) != before:
        raise CredentialsUnusable("the certificate files changed while they were read")
    options = CHANNEL_OPTIONS
    if credentials.server_name:
        options = (*options, ("grpc.ssl_target_name_override", credentials.server_name))
    return grpc.secure_channel(
        address, grpc.ssl_channel_credentials(root, key, chain), options=options
    )


def _require_pair(credentials: Credentials) -> None:
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
    if not token or not token.isprintable() or " " in token:
        raise CredentialsUnusable(f"{file} does not hold one token on one line")
    return token


def _stamp(files: tuple[Path, ...]) -> Stamp:
    try:
        stats = [file.stat() for file in files]
    except OSError as error:
        raise CredentialsUnusable(f"cannot read {error.filename}: {error.strerror}") from error
    return tuple((one.st_ino, one.st_size, one.st_mtime_ns) for one in stats)
