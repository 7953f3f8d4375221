"""A state of the size of a vit_b_16 from a service to a file and into memory, beside other ways.

`download` compares every chunk's crc32c and the whole's sha256, fsyncs and renames. The peers do
none of that unless their command says so. Every file that arrives is compared with the digest
after the clock stopped.
"""

import hashlib
import os
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import grpc

from catalog_service.blobs.digests import sha256_of_file
from catalog_service.blobs.store import BlobStore
from tests.benchmarks.peers import NGINX, Peer, http_server, naive_grpc, nginx
from tests.benchmarks.rows import CPU_CLOCK_S, Metric, Row, Sample, Way, compare, take_turns
from tests.benchmarks.rows import cpu_seconds as cpu_seconds_of
from tests.services import Service, running_trainer
from vertebra.blob.v1 import blob_service_pb2 as wire
from vertebra.blob.v1.blob_service_pb2_grpc import BlobServiceStub
from vertebra.malloc import keep_freed_megabytes
from vertebra.trainer_client import TrainerClient

METRICS = (
    Metric(name="mb_per_s", title="MB/s", more_is_better=True),
    Metric(name="cpu_s_per_gb", title="CPU s/GB, both ends"),
    Metric(name="server_cpu_s_per_gb", title="CPU s/GB, server"),
)

WEB = "nginx" if NGINX else "http.server (no nginx here)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured."""

    num_bytes: int
    num_rounds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What all ways share."""

    num_bytes: int
    digest: str
    target: Path
    service: Peer
    web: Peer
    naive: Peer
    python_web: Peer

    @property
    def url(self) -> str:
        """The file on the web server."""
        return f"http://{self.web.address}/blob"


def measure(size: Size) -> list[Row]:
    """Return rows to a file and into memory."""
    keep_freed_megabytes()  # as the command line does
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "served" / "blob"
        path.parent.mkdir()
        _write_random(path, size.num_bytes)
        digest = BlobStore(folder / "home" / "blobs").adopt_file(path).digest
        nobody = Service(address="127.0.0.1:9", admin_address="", process=None, log=Path())  # type: ignore[arg-type]
        with (
            running_trainer(folder / "home", nobody, VERTEBRA_TRAINER_SHARE_PATHS="0") as service,
            naive_grpc(path) as naive,
            nginx(path.parent) as web,
            http_server(path.parent) as python_web,
            TrainerClient(service.address) as client,
            grpc.insecure_channel(naive.address) as channel,
        ):
            bench = Bench(
                num_bytes=size.num_bytes,
                digest=digest,
                target=folder / "arrived",
                service=Peer(address=service.address, pid=service.pid),
                web=web,
                naive=naive,
                python_web=python_web,
            )
            to_file = [_download(bench, client), *_file_peers(bench, BlobServiceStub(channel))]
            to_memory = [_into_memory(bench, client), _to_nothing(bench)]
            samples = take_turns([*to_file, *to_memory], size.num_rounds)
    return [
        row
        for ours, *peers in (to_file, to_memory)
        for peer in peers
        for row in compare("read", ours, peer, METRICS, samples)
    ]


def _write_random(path: Path, num_bytes: int) -> None:
    with path.open("wb") as file:
        for begin in range(0, num_bytes, 1 << 24):
            file.write(os.urandom(min(1 << 24, num_bytes - begin)))


def _download(bench: Bench, client: TrainerClient) -> Way:
    return _way(
        bench,
        "BlobClient.download",
        "client.blobs.download(name, path): crc32c of every chunk, sha256, fsync, rename",
        bench.service,
        lambda: client.blobs.download(bench.digest, bench.target),
    )


def _into_memory(bench: Bench, client: TrainerClient) -> Way:
    def read() -> None:
        hashed = hashlib.sha256()
        for piece in client.blobs.read(bench.digest):
            hashed.update(piece)
        assert f"sha256:{hashed.hexdigest()}" == bench.digest

    return _way(
        bench,
        "BlobClient.read",
        "for piece in client.blobs.read(name): sha256.update(piece); crc32c of every chunk",
        bench.service,
        read,
        is_file=False,
    )


def _to_nothing(bench: Bench) -> Way:
    command = ["curl", "-s", "-f", "-o", "/dev/null", bench.url]
    return _way(
        bench,
        f"{WEB} + curl, nothing kept",
        "curl -o /dev/null <url>",
        bench.web,
        lambda: subprocess.run(command, check=True),
        is_file=False,
    )


def _file_peers(bench: Bench, stub: BlobServiceStub) -> list[Way]:
    target = bench.target

    def by_curl() -> None:
        subprocess.run(["curl", "-s", "-f", "-o", target, bench.url], check=True)
        subprocess.run(["sha256sum", target], check=True, stdout=subprocess.DEVNULL)

    def by_grpc() -> None:
        with target.open("wb") as file:
            for message in stub.ReadBlob(wire.ReadBlobRequest()):
                file.write(message.data)

    def by_python() -> None:
        urllib.request.urlretrieve(f"http://{bench.python_web.address}/blob", target)

    grpc_command = "grpc.aio server, 64 KiB messages; file.write(message.data)"
    python_command = "python -m http.server; urllib.request.urlretrieve(url, path)"
    checked = "; sha256 of the file, fsync"
    rows: list[tuple[str, str, Peer, Callable[[], object]]] = [
        (f"{WEB} + curl + sha256sum", "curl -o path <url> && sha256sum path", bench.web, by_curl),
        ("naive grpc", grpc_command, bench.naive, by_grpc),
        ("naive grpc + check", grpc_command + checked, bench.naive, _checked(by_grpc, target)),
        ("http.server", python_command, bench.python_web, by_python),
        (
            "http.server + check",
            python_command + checked,
            bench.python_web,
            _checked(by_python, target),
        ),
        (
            f"{WEB} + huggingface_hub",
            "huggingface_hub.file_download.http_get(url, file)",
            bench.web,
            _hub_download(bench),
        ),
    ]
    return [_way(bench, *row) for row in rows]


def _hub_download(bench: Bench) -> Callable[[], None]:
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    from huggingface_hub.file_download import http_get  # reads its settings when imported

    def run() -> None:
        with bench.target.open("wb") as file:
            http_get(bench.url, file)

    return run


def _checked(fetch: Callable[[], None], target: Path) -> Callable[[], None]:
    def run() -> None:
        fetch()
        with target.open("rb") as file:
            hashlib.file_digest(file, "sha256")
            os.fsync(file.fileno())

    return run


def _way(
    bench: Bench,
    name: str,
    command: str,
    server: Peer,
    fetch: Callable[[], object],
    *,
    is_file: bool = True,
) -> Way:
    def run() -> Sample:
        bench.target.unlink(missing_ok=True)
        server_cpu_s, cpu_s = -cpu_seconds_of(server.pid), -_own_cpu_seconds()
        wall_s = -time.perf_counter()
        fetch()
        wall_s += time.perf_counter()
        cpu_s += _own_cpu_seconds()
        server_cpu_s = max(server_cpu_s + cpu_seconds_of(server.pid), CPU_CLOCK_S)
        assert not is_file or sha256_of_file(bench.target) == bench.digest, name
        gigabytes = bench.num_bytes / 1e9
        return {
            "mb_per_s": gigabytes * 1000 / wall_s,
            "cpu_s_per_gb": (cpu_s + server_cpu_s) / gigabytes,
            "server_cpu_s_per_gb": server_cpu_s / gigabytes,
        }

    return Way(name=name, command=command, run=run)


def _own_cpu_seconds() -> float:
    """Return what this process and the programs that it waited for used."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
