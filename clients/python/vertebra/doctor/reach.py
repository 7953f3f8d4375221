"""Why a first call did not come through: what the failure says, and what answers there instead."""

import re
import socket
import ssl
from dataclasses import dataclass

from vertebra.client_errors import RpcFailed
from vertebra.doctor.finding import Certainty, Fault, Finding, Level
from vertebra.doctor.way import Way

TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What a failure's text gives away."""

    pattern: str
    seen: str
    fault: Fault | None = None


CAUSES = (
    Cause(
        pattern="http1.x server|http/1.1|malformed http|frame type 80",
        seen="speaks HTTP/1.1 and no HTTP/2, which gRPC needs",
        fault=Fault.NO_HTTP2,
    ),
    Cause(
        pattern="reset reason: (protocol error|remote reset|connection termination)",
        seen="the proxy answers, but does not speak HTTP/2 with the service behind it",
        fault=Fault.NO_HTTP2_UPSTREAM,
    ),
    Cause(
        pattern="behind the gateway does not answer|upstream connect error|no healthy upstream"
        "|bad gateway|http status: 50[234]|connection failure",
        seen="the proxy answers, but reaches no service behind it",
        fault=Fault.SERVICE_AWAY,
    ),
    Cause(pattern="connection refused", seen="nothing listens there"),
    Cause(
        pattern="dns|domain name|name or service|no address|resolution",
        seen="the name is not known",
    ),
    Cause(
        pattern="tsi_data_corrupted|certificate_required|alert.*certificate",
        seen="closes the connection after the handshake: it wants a certificate that it believes "
        "(--cert, --key)",
    ),
)
"""The first that fits the text of gRPC, BoringSSL or Envoy; the client itself explains the rest."""


def judged(way: Way, failure: RpcFailed) -> Finding:
    """Return why nothing came through."""
    said = _raw(failure)
    cause = next((one for one in CAUSES if re.search(one.pattern, said)), None)
    seen = cause.seen if cause else _guessed(way, failure)
    return Finding(
        check="gRPC",
        level=Level.WRONG,
        seen=f"{way.address}: {seen}",
        certainty=Certainty.SURE if cause else Certainty.LIKELY,
        fault=cause.fault if cause else None,
    )


def _raw(failure: RpcFailed) -> str:
    """Return all that was said, the transport's own words included."""
    error = failure.__cause__
    details = error.details() if error is not None and hasattr(error, "details") else ""
    return f"{details} {failure}".lower()


def _guessed(way: Way, failure: RpcFailed) -> str:
    is_plain = way.credentials is None or not way.credentials.is_encrypted
    if is_plain and _speaks_tls(way.address):
        return "speaks TLS: give --tls, or --ca with its authority"
    return str(failure)


def _speaks_tls(address: str) -> bool:
    """Return whether a handshake gets an answer; certificates are not looked at."""
    host, _, port = address.rpartition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host.strip("[]"), int(port)), TIMEOUT_S) as plain,
            context.wrap_socket(plain),
        ):
            return True
    except (OSError, ValueError):
        return False
