"""Opens channels: options, TLS, tokens, and a new channel when certificate files change.

gRPC reads a client's certificate once, when a channel is made. Programs outlive certificates, so
stubs get a channel of ours that makes the real one anew when the files change; calls under way
end on the one that they began on.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

import grpc

from vertebra.address import require_address
from vertebra.credential_files import Stamp, TokenSource, read_certificates, stamp_of
from vertebra.credentials import PLAIN, Credentials, CredentialsUnusable, is_loopback

CHANNEL_OPTIONS: tuple[tuple[str, Any], ...] = (
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.ping_timeout_ms", 20_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    ("grpc.http2.max_frame_size", 16 * 1024 * 1024 - 1),
    ("grpc.enable_retries", 0),
)
"""Pings find a dead connection within 50 s; servers refuse them closer than 10 s. gRPC's own would
be waited for a minute, and ours not sent meanwhile. A message of 1 MiB comes in one frame, not in
64: 0-15 % less CPU time, as measured. A service that was away is looked for every 5 s. gRPC itself
repeats nothing: in 1.85 a stream that it opens again because its connection went away (GOAWAY), and
that then finds nobody, has a status, but who waits for its next message is never told."""

NO_PROXY = (("grpc.enable_http_proxy", 0),)
"""For this machine: gRPC asks the proxy of the environment for loopback addresses, too. It would
not find us, or read a token in plain text."""

LONGEST_STREAM_S = 2400.0
"""Streams rotate after 30 min; then a channel whose certificate was replaced has no calls left."""

Options = tuple[tuple[str, Any], ...]


def open_channel(
    address: str, credentials: Credentials | None = None, *, options: Options = ()
) -> grpc.Channel:
    """Return a channel to `host:port`.

    Args:
        options: of gRPC, before `CHANNEL_OPTIONS`: the first of a name counts.

    Raises:
        AddressUnusable: it is no `host:port`, nor another form that gRPC reads.
        CredentialsUnusable: files that cannot be read or do not fit, or a token in plain text.
    """
    shown = credentials or PLAIN
    require_address(address, is_encrypted=shown.is_encrypted)
    shown.require_fit_for(address)
    if is_loopback(address):
        options = (*options, *NO_PROXY)
    if not shown.is_encrypted and not shown.has_token:
        return grpc.insecure_channel(address, options=(*options, *CHANNEL_OPTIONS))
    return RenewedChannel(address, shown, options)


class RenewedChannel(grpc.Channel):
    """A channel with certificates or a token, as the files say at the moment of each call.

    Raises:
        CredentialsUnusable: when it is made; later, the last files that could be read count.
    """

    def __init__(self, address: str, credentials: Credentials, options: Options = ()) -> None:
        self._address = address
        self._options = (*options, *CHANNEL_OPTIONS)
        self._credentials = credentials
        self._lock = threading.Lock()
        self._retired: list[tuple[float, grpc.Channel]] = []
        self._stamp = stamp_of(credentials.certificate_files)
        self._channel = self._made()
        self._token = TokenSource(credentials)

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
            stamp = stamp_of(self._credentials.certificate_files)
        except CredentialsUnusable:
            return None  # being replaced: the next call looks again
        return stamp if stamp != self._stamp else None

    def _renew(self, stamp: Stamp) -> None:
        """Make the channel anew, unless the files are half-written."""
        with self._lock:
            if stamp == self._stamp:
                return
            try:
                made = self._made()
            except CredentialsUnusable:
                return
            now = time.monotonic()
            old = [one for one in self._retired if now - one[0] > LONGEST_STREAM_S]
            for retired in old:
                self._retired.remove(retired)
                retired[1].close()
            self._retired.append((now, self._channel))
            self._channel, self._stamp = made, stamp

    def _made(self) -> grpc.Channel:
        shown, options = self._credentials, self._options
        if not shown.is_encrypted:
            return grpc.insecure_channel(self._address, options=options)
        if shown.server_name:
            options = (*options, ("grpc.ssl_target_name_override", shown.server_name))
        certificates = read_certificates(shown)
        credentials = grpc.ssl_channel_credentials(
            certificates.root, certificates.key, certificates.chain
        )
        return grpc.secure_channel(self._address, credentials, options=options)


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
