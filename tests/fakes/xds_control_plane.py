"""A control plane small enough for tests: tells `xds:///` clients which servers share the calls.

Runs as a program in an environment of its own, because the package of xDS messages has a module of
the name `envoy`, as Envoy's own has. Reads splits as JSON, one a line: `{"127.0.0.1:50551": 80,
"127.0.0.1:50651": 20}` is address -> weight; the last line counts, for clients that are there
already, too. Writes its own address first, then the number of each split that it took.
"""

import json
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

import grpc
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.http.router.v3.router_pb2 import Router
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as manager_pb2,
)
from envoy.service.discovery.v3.discovery_pb2 import DiscoveryRequest, DiscoveryResponse
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message

NAME = "vertebra"
SERVICE = "envoy.service.discovery.v3.AggregatedDiscoveryService"
Split = dict[str, int]


def resources_of(split: Split) -> dict[str, list[Message]]:
    """Return what there is, by the name of its type."""
    return {
        Listener.DESCRIPTOR.full_name: [_listener()],
        RouteConfiguration.DESCRIPTOR.full_name: [_routes(split)],
        Cluster.DESCRIPTOR.full_name: [_cluster(address) for address in split],
        ClusterLoadAssignment.DESCRIPTOR.full_name: [_endpoints(address) for address in split],
    }


def _listener() -> Message:
    router = manager_pb2.HttpFilter(name="router", typed_config=_packed(Router()))
    manager = manager_pb2.HttpConnectionManager(http_filters=[router])
    manager.rds.route_config_name = NAME
    manager.rds.config_source.ads.SetInParent()
    listener = Listener(name=NAME)
    listener.api_listener.api_listener.CopyFrom(_packed(manager))
    return listener


def _routes(split: Split) -> Message:
    routes = RouteConfiguration(name=NAME)
    host = routes.virtual_hosts.add(name=NAME, domains=["*"])
    route = host.routes.add()
    route.match.prefix = ""
    for address, weight in split.items():
        row = route.route.weighted_clusters.clusters.add(name=address)
        row.weight.value = weight
    return routes


def _cluster(address: str) -> Message:
    cluster = Cluster(name=address, type=Cluster.EDS, lb_policy=Cluster.ROUND_ROBIN)
    cluster.eds_cluster_config.eds_config.ads.SetInParent()
    return cluster


def _endpoints(address: str) -> Message:
    host, _, port = address.rpartition(":")
    assignment = ClusterLoadAssignment(cluster_name=address)
    locality = assignment.endpoints.add()
    locality.load_balancing_weight.value = 1
    locality.locality.region = "here"
    endpoint = locality.lb_endpoints.add()
    socket = endpoint.endpoint.address.socket_address
    socket.address, socket.port_value = host, int(port)
    return assignment


def _packed(message: Message) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(message)
    return packed


@dataclass(slots=True)
class Plane:
    """The split that counts, and the clients that are to hear of the next."""

    split: Split = field(default_factory=dict)
    version: int = 0
    listeners: list["SimpleQueue[Any]"] = field(default_factory=list)

    def take(self, split: Split) -> None:
        """Tell everybody of a new split."""
        self.split, self.version = split, self.version + 1
        for queue in self.listeners:
            queue.put(None)

    def answers(
        self, requests: Iterator[DiscoveryRequest], context: grpc.ServicerContext
    ) -> Iterator[DiscoveryResponse]:
        """Answer each question that is no acknowledgement, and again on every new split."""
        queue: SimpleQueue[DiscoveryRequest | None] = SimpleQueue()
        self.listeners.append(queue)
        threading.Thread(target=_pour, args=(requests, queue), daemon=True).start()
        asked: dict[str, set[str]] = {}
        while context.is_active():
            request = queue.get()
            if request is None:
                yield from [self._answer(url) for url in asked]
                continue
            names, url = set(request.resource_names), request.type_url
            if asked.get(url) != names:
                asked[url] = names
                yield self._answer(url)

    def _answer(self, url: str) -> DiscoveryResponse:
        found = resources_of(self.split)[url.rpartition("/")[2]]
        return DiscoveryResponse(
            version_info=str(self.version),
            nonce=str(self.version),
            type_url=url,
            resources=map(_packed, found),
        )


def _pour(requests: Iterator[DiscoveryRequest], queue: "SimpleQueue[Any]") -> None:
    try:
        for request in requests:
            queue.put(request)
    except grpc.RpcError:
        queue.put(None)


def main() -> None:
    """Serve until the input ends."""
    plane = Plane()
    server = grpc.server(ThreadPoolExecutor(16))
    stream = grpc.stream_stream_rpc_method_handler(
        plane.answers, DiscoveryRequest.FromString, DiscoveryResponse.SerializeToString
    )
    handlers = {"StreamAggregatedResources": stream}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(f"127.0.0.1:{port}", flush=True)
    for line in sys.stdin:
        plane.take(json.loads(line))
        print(plane.version, flush=True)
    server.stop(0)


if __name__ == "__main__":
    main()
