"""A real Envoy in front of a service, as a mesh or a gateway puts it there."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.fakes.ports import free_port

ENVOY = Path(sys.executable).with_name("envoy")
START_TIMEOUT_S = 60

HTTP2 = {"http2_protocol_options": {}}

RETRIES = {
    "retry_on": "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes",
    "num_retries": 5,
    "retry_back_off": {"base_interval": "0.01s", "max_interval": "0.02s"},
}
"""What Istio does unasked, a little more often and sooner. Source: istio.io, "Retries"."""


HTTP1 = {"http_protocol_options": {}}
"""An `upstream_protocol`: what Envoy speaks where nobody told it that gRPC is HTTP/2."""


def buffer_filter(max_bytes: int) -> dict[str, Any]:
    """Return a filter that refuses larger requests."""
    kind = "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer"
    return {
        "name": "envoy.filters.http.buffer",
        "typed_config": {"@type": kind, "max_request_bytes": max_bytes},
    }


@contextmanager
def running_envoy(folder: Path, upstream: str, **way: Any) -> Iterator[str]:
    """Yield `host:port` of an Envoy that sends everything to `upstream`.

    Args:
        way: as `running_envoys` has it, such as `timeout="1s"` or `retry_policy=RETRIES`.
    """
    with running_envoys(folder, upstream, {"only": way}) as addresses:
        yield addresses["only"]


@contextmanager
def running_envoys(
    folder: Path, upstream: str, ways: Mapping[str, dict[str, Any]]
) -> Iterator[dict[str, str]]:
    """Yield `host:port` of several ways to `upstream` through one Envoy, by their names.

    Args:
        ways: fields of Envoy's RouteAction; beside them `manager`, fields of the
            HttpConnectionManager; `filters`, before the router, such as `buffer_filter(1000)`; and
            `upstream_protocol`, such as `HTTP1`; HTTP/2 where it is absent, as gRPC needs it.
    """
    ports = {name: free_port() for name in ways}
    made = {
        "listeners": [_listener(name, ports[name], dict(way)) for name, way in ways.items()],
        "clusters": [_cluster(name, upstream, way) for name, way in ways.items()],
    }
    config = folder / "envoy.json"
    config.write_text(json.dumps({"static_resources": made}))
    with running_config(config, list(ports.values())):
        yield {name: f"127.0.0.1:{port}" for name, port in ports.items()}


@contextmanager
def running_config(config: Path, ports: Sequence[int]) -> Iterator[None]:
    """Run an Envoy with a configuration of any kind until it listens on all these ports."""
    log = config.with_suffix(".log").open("ab")
    command = [str(ENVOY), "-c", str(config), "--use-dynamic-base-id", "--concurrency", "1"]
    with log, subprocess.Popen([*command, "-l", "warning"], stdout=log, stderr=log) as process:
        try:
            for port in ports:
                _wait_for(port, process, config.with_suffix(".log"))
            yield
        finally:
            process.terminate()
            process.wait(60)


def _listener(name: str, port: int, way: dict[str, Any]) -> dict[str, Any]:
    fields, filters = way.pop("manager", {}), way.pop("filters", ())
    way.pop("upstream_protocol", None)
    router = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager"
        ".v3.HttpConnectionManager",
        "codec_type": "AUTO",
        "stat_prefix": name,
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "include_request_attempt_count": True,
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": name, **way}}],
                }
            ]
        },
        "http_filters": [*filters, {"name": "router", "typed_config": {"@type": router}}],
        **fields,
    }
    return {
        "name": name,
        **_address("127.0.0.1", port),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }


def _cluster(name: str, upstream: str, way: Mapping[str, Any]) -> dict[str, Any]:
    host, _, port = upstream.rpartition(":")
    kind = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    protocol = {
        "@type": f"type.googleapis.com/{kind}",
        "explicit_http_config": way.get("upstream_protocol", HTTP2),
    }
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": _address(host, int(port))}]}],
        },
        "typed_extension_protocol_options": {kind: protocol},
    }


def _address(host: str, port: int) -> dict[str, Any]:
    literal = {"localhost": "127.0.0.1"}.get(host, host)
    return {"address": {"socket_address": {"address": literal, "port_value": port}}}


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == os.EX_OK:
                return
        assert process.poll() is None, log.read_text()[-2000:]
        assert time.monotonic() < deadline, "Envoy does not listen"
        time.sleep(0.05)
