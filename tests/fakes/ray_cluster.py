"""A Ray cluster of several nodes on this machine, without a dashboard.

with ray_cluster() as cluster:
    cluster.address
    node = cluster.add_node()
    cluster.lose(node)

Also the program behind it, which does a line of its input after the other: Ray leaves files and
threads in the process that starts a cluster.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.fakes.ports import free_port, wait_until_open

STORE_BYTES = 80_000_000
"""The least that Ray takes for its own objects; we put none there."""
CPUS_PER_NODE = 2
ENVIRONMENT = {"RAY_worker_niceness": "0"}
"""Ray's own workers stand back (15) for all else on a host: on a busy one they would hardly run."""


class RayCluster:
    """A head that runs nothing, and nodes that come and go."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.address, self.client_address = self._answer()
        """What `ray.init` takes on a node of the cluster, and elsewhere."""

    def add_node(self) -> int:
        """Return a new node that has room for `CPUS_PER_NODE` CPUs of work."""
        self._ask("add")
        return int(self._answer())

    def lose(self, node: int) -> None:
        """Kill a node and everything on it, as when its host goes."""
        self._ask(f"lose {node}")
        self._answer()

    def _ask(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def _answer(self):  # type: ignore[no-untyped-def]  # whatever JSON it is
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("answer "):
                return json.loads(line.removeprefix("answer "))
        raise AssertionError("the cluster's program ended")


@contextmanager
def ray_cluster(num_nodes: int = 0) -> Iterator[RayCluster]:
    """Yield a running cluster."""
    command = [sys.executable, "-m", "tests.fakes.ray_cluster"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **ENVIRONMENT},
    ) as process:
        cluster = RayCluster(process)
        for _ in range(num_nodes):
            cluster.add_node()
        yield cluster
        assert process.stdin is not None
        process.stdin.close()  # the end of its input is the end of it


def serve() -> None:
    """Start a head, then do what each line of the input says."""
    from ray.cluster_utils import Cluster

    port = free_port()
    head = {
        "num_cpus": 0,
        "object_store_memory": STORE_BYTES,
        "include_dashboard": False,
        "ray_client_server_port": port,
    }
    cluster = Cluster(initialize_head=True, head_node_args=head)
    nodes = []
    try:
        wait_until_open(port)  # the server for clients is a process that starts later
        answer([str(cluster.address), f"ray://127.0.0.1:{port}"])
        for line in sys.stdin:
            word, _, number = line.strip().partition(" ")
            if word == "add":
                nodes.append(
                    cluster.add_node(num_cpus=CPUS_PER_NODE, object_store_memory=STORE_BYTES)
                )
                answer(len(nodes) - 1)
            else:
                cluster.remove_node(nodes[int(number)], allow_graceful=False)
                answer(None)
    finally:
        cluster.shutdown()


def answer(value: object) -> None:
    sys.stdout.write(f"answer {json.dumps(value)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve()
