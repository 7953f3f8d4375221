"""Asks a service whether it serves."""

import grpc

CHECK = "/grpc.health.v1.Health/Check"

SERVING = b"\x08\x01"
"""A HealthCheckResponse: field 1 is 1, SERVING. Source: grpc/health/v1/health.proto."""

TIMEOUT_S = 2.0


def is_serving(address: str, service: str) -> bool:
    """Return whether `service`, a full name, answers SERVING at `address` now."""
    request = b"\x0a" + bytes([len(service)]) + service.encode()
    with grpc.insecure_channel(address) as channel:
        check: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(CHECK)
        try:
            return bool(check(request, timeout=TIMEOUT_S) == SERVING)
        except grpc.RpcError:
            return False
