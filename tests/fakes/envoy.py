"""A real Envoy in front of a service, as a mesh or a gateway puts it there."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ENVOY = Path(sys.executable).with_name("envoy")
START_TIMEOUT_S = 60

RETRIES = {
    "retry_on": "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes",
    "num_retries": 5,
    "retry_back_off": {"base_interval": "0.01s", "max_interval": "0.02s"},
}
"""What Istio does unasked, a little more often and sooner. Source: istio.io, "Retries"."""


@contextmanager
def running_envoy(folder: Path, upstream: str, **route: Any) -> Iterator[str]:
    """Yield `host:port` of an Envoy that sends everything to `upstream`.

    Args:
        route: fields of Envoy's RouteAction, such as `timeout="1s"` or `retry_policy=RETRIES`.
    """
    port = _free_port()
    config = folder / "envoy.json"
    config.write_text(json.dumps(_config(port, upstream, route)))
    log = (folder / "envoy.log").open("ab")
    command = [str(ENVOY), "-c", str(config), "--use-dynamic-base-id", "--concurrency", "1"]
    with log, subprocess.Popen([*command, "-l", "warning"], stdout=log, stderr=log) as process:
        try:
            _wait_for(port, process, folder / "envoy.log")
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)


def _config(port: int, upstream: str, route: dict[str, Any]) -> dict[str, Any]:
    host, _, upstream_port = upstream.rpartition(":")
    h2 = {"explicit_http_config": {"http2_protocol_options": {}}}
    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager"
        ".v3.HttpConnectionManager",
        "codec_type": "AUTO",
        "stat_prefix": "in",
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "include_request_attempt_count": True,
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "up", **route}}],
                }
            ]
        },
        "http_filters": [
            {
                "name": "router",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
                },
            }
        ],
    }
    filters = [{"name": "http", "typed_config": manager}]
    cluster = {
        "name": "up",
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {
            "cluster_name": "up",
            "endpoints": [{"lb_endpoints": [{"endpoint": _address(host, int(upstream_port))}]}],
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3"
                ".HttpProtocolOptions",
                **h2,
            }
        },
    }
    listener = {
        "name": "in",
        **_address("127.0.0.1", port),
        "filter_chains": [{"filters": filters}],
    }
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}


def _address(host: str, port: int) -> dict[str, Any]:
    literal = {"localhost": "127.0.0.1"}.get(host, host)
    return {"address": {"socket_address": {"address": literal, "port_value": port}}}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == os.EX_OK:
                return
        assert process.poll() is None, log.read_text()[-2000:]
        assert time.monotonic() < deadline, "Envoy does not listen"
        time.sleep(0.05)
