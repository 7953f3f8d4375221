"""Which line is missing where, for each fault and each proxy.

Sources: Envoy's API reference (v3: RouteAction, HttpConnectionManager), Istio's VirtualService and
EnvoyFilter, Linkerd's HTTPRoute annotations, nginx's ngx_http_grpc_module and ngx_http_core_module,
Envoy Gateway's BackendTrafficPolicy and ClientTrafficPolicy.
"""

from dataclasses import dataclass

from vertebra.doctor.finding import Fault
from vertebra.doctor.proxies import Proxy


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """A line, and the place where it belongs."""

    where: str
    line: str


WHY: dict[Fault, str] = {
    Fault.ROUTE_TIMEOUT: "streams of vertebra last up to 30 minutes",
    Fault.MAX_DURATION: "streams of vertebra last up to 30 minutes",
    Fault.STREAM_CUT: "streams of vertebra last up to 30 minutes",
    Fault.IDLE_TIMEOUT: "streams of vertebra are silent for up to 15 s; they need twice that",
    Fault.REPEATS: "only calls that reached no service may be repeated by a proxy",
    Fault.REQUEST_SIZE: "requests of vertebra have up to 4 MiB",
    Fault.ANSWER_SIZE: "answers of vertebra have up to 8 MiB",
    Fault.PINGS: "clients of vertebra send a ping every 30 s, on silent connections, too",
    Fault.NO_HTTP2: "gRPC needs HTTP/2 at the door",
    Fault.NO_HTTP2_UPSTREAM: "gRPC needs HTTP/2 to the service, too",
    Fault.SERVICE_AWAY: "the address, port or health check of the service is wrong, or it is down",
    Fault.DEADLINE_LOST: "`grpc-timeout` must arrive as it was sent",
    Fault.DEADLINE_CUT: "`grpc-timeout` must arrive as it was sent",
}
"""Why it matters."""


def _row(
    *, envoy: tuple[str, str], istio: tuple[str, str], linkerd: tuple[str, str],
    nginx: tuple[str, str], envoy_gateway: tuple[str, str],
) -> dict[Proxy, Remedy]:  # fmt: skip
    """Return one row of the table: (where, line) of every proxy."""
    places = (envoy, istio, linkerd, nginx, envoy_gateway)
    return {
        proxy: Remedy(where=where, line=line)
        for proxy, (where, line) in zip(Proxy, places, strict=True)
    }


_ENDLESS = _row(
    envoy=("route_config, the route's `route:`", "timeout: 0s"),
    istio=("VirtualService, spec.http[]", "timeout: 0s"),
    linkerd=(
        "HTTPRoute or Service, metadata.annotations",
        "remove timeout.linkerd.io/request and timeout.linkerd.io/response",
    ),
    nginx=("location with grpc_pass", "grpc_read_timeout 1h; grpc_send_timeout 1h;"),
    envoy_gateway=("BackendTrafficPolicy, spec", 'timeout: {http: {requestTimeout: "0s"}}'),
)
_UNBOUNDED = _row(
    envoy=(
        "common_http_protocol_options; and the route's max_stream_duration",
        "max_stream_duration: 0s",
    ),
    istio=(
        "EnvoyFilter on the HttpConnectionManager, common_http_protocol_options",
        "max_stream_duration: 0s",
    ),
    linkerd=(
        "HTTPRoute or Service, metadata.annotations",
        "remove timeout.linkerd.io/request and timeout.linkerd.io/response",
    ),
    nginx=("location with grpc_pass", "grpc_read_timeout 1h; grpc_send_timeout 1h;"),
    envoy_gateway=("BackendTrafficPolicy, spec", 'timeout: {http: {maxStreamDuration: "0s"}}'),
)

REMEDIES: dict[Fault, dict[Proxy, Remedy]] = {
    Fault.ROUTE_TIMEOUT: _ENDLESS,
    Fault.MAX_DURATION: _UNBOUNDED,
    Fault.STREAM_CUT: {
        **_ENDLESS,
        Proxy.ENVOY: Remedy(
            where="the route's `route:`, and common_http_protocol_options",
            line="timeout: 0s   and no max_stream_duration",
        ),
    },
    Fault.DEADLINE_CUT: {
        **_UNBOUNDED,
        Proxy.ENVOY: Remedy(
            where="route_config, the route's `route:`",
            line="max_stream_duration: {max_stream_duration: 0s}   and no max_grpc_timeout",
        ),
    },
    Fault.IDLE_TIMEOUT: _row(
        envoy=(
            "HttpConnectionManager (stream_idle_timeout) and the route (idle_timeout)",
            "stream_idle_timeout: 300s   (in the route: idle_timeout: 300s)",
        ),
        istio=(
            "EnvoyFilter on the HttpConnectionManager",
            "stream_idle_timeout: 300s",
        ),
        linkerd=(
            "HTTPRoute or Service, metadata.annotations",
            "remove timeout.linkerd.io/idle, or set it to 300s",
        ),
        nginx=("location with grpc_pass", "grpc_read_timeout 300s;"),
        envoy_gateway=(
            "BackendTrafficPolicy, spec",
            'timeout: {http: {streamIdleTimeout: "300s"}}',
        ),
    ),
    Fault.REPEATS: _row(
        envoy=(
            "route_config, the route's `route:`",
            "retry_policy: {retry_on: 'connect-failure,refused-stream', num_retries: 2}",
        ),
        istio=("VirtualService, spec.http[]", "retries: {attempts: 0}"),
        linkerd=(
            "HTTPRoute or Service, metadata.annotations",
            "remove retry.linkerd.io/grpc and retry.linkerd.io/http",
        ),
        nginx=("location with grpc_pass", "grpc_next_upstream error;"),
        envoy_gateway=(
            "BackendTrafficPolicy, spec",
            "retry: {retryOn: {triggers: [connect-failure, refused-stream]}}",
        ),
    ),
    Fault.REQUEST_SIZE: _row(
        envoy=(
            "http_filters: envoy.filters.http.buffer",
            "remove it for gRPC, or max_request_bytes: 4194304",
        ),
        istio=("EnvoyFilter with envoy.filters.http.buffer", "max_request_bytes: 4194304"),
        linkerd=("-", "Linkerd has no limit of its own: look at what is before and behind it"),
        nginx=("server or location with grpc_pass", "client_max_body_size 0;"),
        envoy_gateway=("BackendTrafficPolicy, spec", "requestBuffer: {limit: 4Mi}, or none"),
    ),
    Fault.ANSWER_SIZE: _row(
        envoy=(
            "http_filters that hold answers, such as grpc_json_transcoder",
            "max_response_body_size: 16777216, for JSON only",
        ),
        istio=("EnvoyFilter with filters that hold answers", "remove them for gRPC"),
        linkerd=("-", "Linkerd has no limit of its own: look at what is before and behind it"),
        nginx=("location with grpc_pass", "grpc_buffer_size 64k; and no response filters"),
        envoy_gateway=("ClientTrafficPolicy, spec", "connection: {bufferLimit: 16Mi}"),
    ),
    Fault.PINGS: _row(
        envoy=("-", "Envoy takes pings: look at who terminates HTTP/2 before it"),
        istio=("-", "Istio takes pings: look at the load balancer before its gateway"),
        linkerd=("-", "Linkerd takes pings: look at the load balancer before it"),
        nginx=("server with http2", "keepalive_timeout 1h; keepalive_requests 1000000;"),
        envoy_gateway=("-", "Envoy takes pings: look at the load balancer before it"),
    ),
    Fault.NO_HTTP2: _row(
        envoy=("HttpConnectionManager; listener's TLS", "codec_type: AUTO; alpn_protocols: [h2]"),
        istio=("Gateway, spec.servers[].port; Service port", "protocol: GRPC; appProtocol: grpc"),
        linkerd=("Service, spec.ports[]; config.linkerd.io/opaque-ports", "not an opaque port"),
        nginx=("server", "http2 on;   (before 1.25.1: listen ... http2;)"),
        envoy_gateway=("Gateway, spec.listeners[]; GRPCRoute", "protocol: HTTPS (ALPN h2) or HTTP"),
    ),
    Fault.NO_HTTP2_UPSTREAM: _row(
        envoy=(
            "cluster, typed_extension_protocol_options, HttpProtocolOptions",
            "explicit_http_config: {http2_protocol_options: {}}",
        ),
        istio=("Service, spec.ports[]", "name: grpc-api   and   appProtocol: grpc"),
        linkerd=("Service, spec.ports[]", "appProtocol: kubernetes.io/h2c"),
        nginx=("location", "grpc_pass grpc://catalog:50551;   (not proxy_pass)"),
        envoy_gateway=("Service, spec.ports[]", "appProtocol: kubernetes.io/h2c"),
    ),
    Fault.SERVICE_AWAY: _row(
        envoy=("cluster, load_assignment and health_checks", "the service's host:port"),
        istio=("Service selector and DestinationRule", "istioctl proxy-config endpoints <pod>"),
        linkerd=("Service selector, Server, AuthorizationPolicy", "linkerd diagnostics endpoints"),
        nginx=("upstream", "server catalog:50551;"),
        envoy_gateway=("GRPCRoute, backendRefs", "name and port of the service"),
    ),
    Fault.DEADLINE_LOST: _row(
        envoy=("request_headers_to_remove of the route", "not grpc-timeout"),
        istio=("VirtualService, headers.request.remove", "not grpc-timeout"),
        linkerd=("-", "Linkerd passes it on: look at what is before it"),
        nginx=("location with grpc_pass", "grpc_set_header grpc-timeout $http_grpc_timeout;"),
        envoy_gateway=("GRPCRoute, filters RequestHeaderModifier", "not grpc-timeout"),
    ),
}
