"""A blob of the size of a resnet50 from a service to a file, beside two ways without our server.

`download` compares every chunk's crc32c and the whole's sha256, fsyncs and renames. The peers do
none of that; each therefore comes a second time, followed by the sha256 and the fsync that make it
as safe.
"""

import hashlib
import os
import tempfile
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import grpc

from catalog_service.blobs.store import BlobStore
from tests.benchmarks.peers import Peer, http_server, naive_grpc
from tests.benchmarks.rows import (
    CPU_CLOCK_S,
    Metric,
    Row,
    Sample,
    Way,
    compare,
    cpu_seconds,
    stopwatch,
    take_turns,
)
from tests.services import Service, running_trainer
from vertebra.blob.v1 import blob_service_pb2 as wire
from vertebra.blob.v1.blob_service_pb2_grpc import BlobServiceStub
from vertebra.trainer_client import TrainerClient

METRICS = (
    Metric(name="mb_per_s", title="MB/s", more_is_better=True),
    Metric(name="cpu_s_per_gb", title="CPU s/GB, both ends"),
    Metric(name="server_cpu_s_per_gb", title="CPU s/GB, server"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured."""

    num_bytes: int
    num_reads: int
    """Per measurement: the kernel counts CPU time in steps of 10 ms."""
    num_rounds: int


def measure(size: Size) -> list[Row]:
    """Return rows beside both peers, bare and made safe."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "served" / "blob"
        path.parent.mkdir()
        path.write_bytes(os.urandom(size.num_bytes))
        digest = BlobStore(folder / "home" / "blobs").adopt_file(path).digest
        with (
            running_trainer(folder / "home", _nobody()) as service,
            naive_grpc(path) as naive,
            http_server(path.parent) as http,
            TrainerClient(service.address) as client,
            grpc.insecure_channel(naive.address) as channel,
        ):
            target = folder / "arrived"
            ours = _way(
                "BlobClient.download",
                "client.blobs.download(name, path)",
                Peer(address=service.address, pid=service.pid),
                lambda: client.blobs.download(digest, target),
                (size, target),
            )
            peers = _peers(naive, http, BlobServiceStub(channel), (size, target))
            samples = take_turns([ours, *peers], size.num_rounds)
    return [row for peer in peers for row in compare("read", ours, peer, METRICS, samples)]


def _nobody() -> Service:
    """Return a catalog that no one needs: the trainer only hands out its blobs here."""
    return Service(address="127.0.0.1:9", admin_address="", process=None, log=Path())  # type: ignore[arg-type]


def _peers(naive: Peer, http: Peer, stub: BlobServiceStub, to: tuple[Size, Path]) -> list[Way]:
    target = to[1]

    def by_grpc() -> None:
        with target.open("wb") as file:
            for message in stub.ReadBlob(wire.ReadBlobRequest()):
                file.write(message.data)

    def by_http() -> None:
        urllib.request.urlretrieve(f"http://{http.address}/blob", target)

    grpc_command = "grpc.aio server, 64 KiB messages; file.write(message.data)"
    http_command = "python -m http.server; urllib.request.urlretrieve(url, path)"
    checked = "; sha256 of the file, fsync"
    return [
        _way("naive grpc", grpc_command, naive, by_grpc, to),
        _way("naive grpc + check", grpc_command + checked, naive, _checked(by_grpc, target), to),
        _way("http.server", http_command, http, by_http, to),
        _way("http.server + check", http_command + checked, http, _checked(by_http, target), to),
    ]


def _checked(fetch: Callable[[], None], target: Path) -> Callable[[], None]:
    def run() -> None:
        fetch()
        with target.open("rb") as file:
            hashlib.file_digest(file, "sha256")
            os.fsync(file.fileno())

    return run


def _way(
    name: str, command: str, server: Peer, fetch: Callable[[], object], to: tuple[Size, Path]
) -> Way:
    size, target = to

    def run() -> Sample:
        server_cpu_s = -cpu_seconds(server.pid)
        wall_s = cpu_s = 0.0
        for _ in range(size.num_reads):
            target.unlink(missing_ok=True)
            with stopwatch() as watch:
                fetch()
            wall_s, cpu_s = wall_s + watch.wall_s, cpu_s + watch.cpu_s
            assert target.stat().st_size == size.num_bytes
        server_cpu_s = max(server_cpu_s + cpu_seconds(server.pid), CPU_CLOCK_S)
        gigabytes = size.num_reads * size.num_bytes / 1e9
        return {
            "mb_per_s": gigabytes * 1000 / wall_s,
            "cpu_s_per_gb": (cpu_s + server_cpu_s) / gigabytes,
            "server_cpu_s_per_gb": server_cpu_s / gigabytes,
        }

    return Way(name=name, command=command, run=run)
