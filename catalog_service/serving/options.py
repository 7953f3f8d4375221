"""The gRPC server options, each with its reason.

Each effect is shown in tests/catalog_service/serving/test_options.py, times scaled down, unless it
says otherwise here.
"""

MAX_MESSAGE_BYTES = 4 << 20
"""Largest request: what every gRPC library has by default, in any language."""

SERVER_OPTIONS: tuple[tuple[str, int], ...] = (
    # A second server on the same port would get a part of the calls, silently.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", 8 << 20),
    # The soft and the hard limit of a request's metadata.
    ("grpc.max_metadata_size", 8192),
    ("grpc.absolute_max_metadata_size", 16384),
    # Beyond it a client's calls wait in the client; the core also refuses some (REFUSED_STREAM,
    # seen as UNAVAILABLE) while streams that just ended are being freed.
    ("grpc.max_concurrent_streams", 256),
    ("grpc.max_allowed_incoming_connections", 2000),
    # A peer that connects and says nothing is dropped.
    ("grpc.server_handshake_timeout_ms", 10000),
    # Beyond 1000 waiting calls the core cancels some at random (grpc#34782); clients never retry
    # CANCELLED. We take them and refuse them ourselves, with a time to come back.
    ("grpc.server.max_pending_requests", 8192),
    ("grpc.server.max_pending_requests_hard_limit", 16384),
    # Calls that wait for longer than this, 30 s by default, are cancelled, too: seen with 5,000
    # calls at once on a host with ten times more work than cores. A caller's own deadline is what
    # should end them.
    ("grpc.server_max_unrequested_time_in_server", 600),
    # A peer that is gone without a word is noticed after 40 s. The ping timeout is what cuts it in
    # grpcio 1.85; the keepalive timeout alone did not within 25 s, even scaled to 0.5 s. It stays
    # because the guide names it (https://grpc.io/docs/guides/keepalive/); no test shows an effect.
    ("grpc.keepalive_time_ms", 30000),
    ("grpc.keepalive_timeout_ms", 10000),
    ("grpc.http2.ping_timeout_ms", 10000),
    # By default a client that pings a silent stream more often than every 5 min is disconnected
    # with "too_many_pings"; SDKs ping every 30 s.
    ("grpc.http2.min_ping_interval_without_data_ms", 10000),
    ("grpc.keepalive_permit_without_calls", 1),
    # Idle connections are closed.
    ("grpc.max_connection_idle_ms", 900000),
    # Connections move to new replicas every hour; a stalled reader is cut 35 min later at the
    # latest. Longer than the longest stream (30 min) with a margin.
    ("grpc.max_connection_age_ms", 3600000),
    ("grpc.max_connection_age_grace_ms", 2100000),
)


def server_options(overrides: dict[str, int] | None = None) -> list[tuple[str, int]]:
    """Return the options, some of them replaced: tests scale times with it."""
    return list({**dict(SERVER_OPTIONS), **(overrides or {})}.items())
