"""A Ray cluster of several nodes on this machine, without a dashboard.

with ray_cluster() as cluster:
    cluster.address
    node = cluster.add_node()
    cluster.lose(node)
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ray.cluster_utils import Cluster

STORE_BYTES = 80_000_000
"""The least that Ray takes for its own objects; we put none there."""
CPUS_PER_NODE = 2


class RayCluster:
    """A head that runs nothing, and nodes that come and go."""

    def __init__(self) -> None:
        self._cluster: Any = Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": 0,
                "object_store_memory": STORE_BYTES,
                "include_dashboard": False,
            },
        )

    @property
    def address(self) -> str:
        """Return what `ray.init` takes."""
        return str(self._cluster.address)

    def add_node(self) -> Any:
        """Return a new node that has room for `CPUS_PER_NODE` CPUs of work."""
        return self._cluster.add_node(num_cpus=CPUS_PER_NODE, object_store_memory=STORE_BYTES)

    def lose(self, node: Any) -> None:
        """Kill a node and everything on it, as when its host goes."""
        self._cluster.remove_node(node, allow_graceful=False)

    def close(self) -> None:
        """Stop everything."""
        self._cluster.shutdown()


@contextmanager
def ray_cluster(num_nodes: int = 0) -> Iterator[RayCluster]:
    """Yield a running cluster."""
    cluster = RayCluster()
    try:
        for _ in range(num_nodes):
            cluster.add_node()
        yield cluster
    finally:
        cluster.close()
