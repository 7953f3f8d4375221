"""What a large state costs beside its transfer: memory on both sides while it streams to a file,
and the time until it is mapped where client and service share a host.
"""

import mmap
import os
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from catalog_service.blobs.store import BlobStore
from tests.benchmarks.peers import Peer, naive_grpc
from tests.benchmarks.rows import Metric, Row, Sample, Way, compare, stopwatch, take_turns
from tests.services import Service, running_trainer
from vertebra.trainer_client import TrainerClient

MEMORY = (
    Metric(name="client_mb", title="client's most memory, MB"),
    Metric(name="server_mb", title="server's anonymous memory above idle, MB"),
)
HAND_OVER = (Metric(name="wall_s", title="until mapped, ms", scale=1000.0),)

NUM_HAND_OVERS = 21
"""A measurement is the median of so many: each takes a millisecond or two."""

OURS = "client.blobs.download(name, path)"
NAIVE = "grpc.aio server, 64 KiB messages; file.write(message.data)"

CLIENTS = {
    "ours": """
from vertebra.trainer_client import TrainerClient
with TrainerClient(sys.argv[1]) as client:
    client.blobs.download(sys.argv[2], sys.argv[3])
""",
    "naive": """
import grpc
from vertebra.blob.v1 import blob_service_pb2 as wire
from vertebra.blob.v1.blob_service_pb2_grpc import BlobServiceStub
with grpc.insecure_channel(sys.argv[1]) as channel, open(sys.argv[3], "wb") as file:
    for message in BlobServiceStub(channel).ReadBlob(wire.ReadBlobRequest()):
        file.write(message.data)
""",
}
REPORT = """
status = open("/proc/self/status").read()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured."""

    num_bytes: int
    num_small_bytes: int
    num_rounds: int


def measure(size: Size) -> list[Row]:
    """Return rows of memory and of the hand-over, large beside small."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = BlobStore(folder / "home" / "blobs")
        large, small = (_stored(store, n) for n in (size.num_bytes, size.num_small_bytes))
        nobody = Service(address="127.0.0.1:9", admin_address="", process=None, log=Path())  # type: ignore[arg-type]
        with (
            running_trainer(folder / "home", nobody) as service,
            running_trainer(
                folder / "other",
                nobody,
                VERTEBRA_TRAINER_SHARE_PATHS="0",
                VERTEBRA_TRAINER_BLOBS=str(store.root),
            ) as remote,
            naive_grpc(store.path(large)) as naive,
            TrainerClient(service.address) as client,
        ):
            ours = Peer(address=remote.address, pid=remote.pid)
            saved = folder / "arrived"
            memory = [
                _memory_way("ours", OURS, ours, large, saved),
                _memory_way("naive", NAIVE, naive, large, saved),
            ]
            mapped = [_mapped(client, digest, store) for digest in (large, small)]
            samples = take_turns([*memory, *mapped], size.num_rounds)
    return [
        *compare("stream", memory[0], memory[1], MEMORY, samples),
        *compare("stream", mapped[0], mapped[1], HAND_OVER, samples),
    ]


def _stored(store: BlobStore, num_bytes: int) -> str:
    with store.open_writer() as writer:
        for begin in range(0, num_bytes, 1 << 24):
            writer.write(os.urandom(min(1 << 24, num_bytes - begin)))
        return writer.commit().digest


def _memory_way(kind: str, command: str, server: Peer, digest: str, saved: Path) -> Way:
    program = f"import sys\n{CLIENTS[kind]}{REPORT}"

    def run() -> Sample:
        saved.unlink(missing_ok=True)
        with _anonymous_growth(server.pid) as growth:
            done = subprocess.run(
                [sys.executable, "-c", program, server.address, digest, str(saved)],
                check=True,
                capture_output=True,
                text=True,
            )
        return {"client_mb": int(done.stdout) * 1024 / 1e6, "server_mb": growth.most_mb}

    return Way(name=f"{kind}, to a file", command=command, run=run)


def _mapped(client: TrainerClient, digest: str, store: BlobStore) -> Way:
    num_bytes = store.info(digest).size_bytes

    def once() -> float:
        with stopwatch() as watch:
            path = client.blobs.local_file(digest)
            assert path is not None
            with path.open("rb") as file:
                content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
                first = content[0]
        assert first == content[0] and len(content) == num_bytes
        content.close()
        return watch.wall_s

    def run() -> Sample:
        return {"wall_s": statistics.median(once() for _ in range(NUM_HAND_OVERS))}

    command = "mmap of client.blobs.local_file(name)"
    return Way(name=f"{num_bytes / 1e6:,.0f} MB on the same host", command=command, run=run)


class Growth:
    """The most anonymous memory above what there was."""

    most_mb = 0.001
    """Ratios need more than nothing."""


@contextmanager
def _anonymous_growth(pid: int) -> Iterator[Growth]:
    growth, is_over = Growth(), threading.Event()
    before_mb = _anonymous_mb(pid)

    def watch() -> None:
        while not is_over.wait(0.01):
            growth.most_mb = max(growth.most_mb, _anonymous_mb(pid) - before_mb)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield growth
    finally:
        is_over.set()
        thread.join()


def _anonymous_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise AssertionError("this kernel does not tell anonymous memory")
