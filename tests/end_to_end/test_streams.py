"""Byte streams of a real service process: broken ones, slow ones, and what memory they take."""

import hashlib
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import numpy as np
import pytest
from safetensors.numpy import save_file

from catalog_service.blobs.store import BlobStore
from tests.fakes.tcp_proxy import Fault, tcp_proxy
from tests.robustness.counting import Counted
from tests.services import Service, running_trainer
from vertebra.blob.v1 import blob_service_pb2 as wire
from vertebra.blob.v1.blob_service_pb2_grpc import BlobServiceStub
from vertebra.connection import Pace
from vertebra.trainer_client import TrainerClient

MB = 1_000_000
CHUNK_BYTES = 1 << 20
NUM_CUTS = 20
QUICK = Pace(first_wait_s=0.01, longest_wait_s=0.05, patience_s=20.0)
NOBODY = Service(address="127.0.0.1:9", admin_address="", process=None, log=Path())  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A service with one file of tensors."""

    service: Service
    digest: str
    size_bytes: int

    @property
    def name(self) -> str:
        return f"blobs/{self.digest}"


@contextmanager
def served(folder: Path, size_mb: int) -> Iterator[Served]:
    numbers = np.random.default_rng(0).standard_normal((size_mb, 250_000), dtype=np.float32)
    save_file({f"layer{row}": numbers[row] for row in range(size_mb)}, folder / "state")
    size_bytes = (folder / "state").stat().st_size
    blob = BlobStore(folder / "home" / "blobs").adopt_file(folder / "state")
    with running_trainer(folder / "home", NOBODY, VERTEBRA_TRAINER_SHARE_PATHS="false") as service:
        yield Served(service=service, digest=blob.digest, size_bytes=size_bytes)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("small"), 64) as running:
        yield running


def anonymous_mb(pid: int) -> float:
    """Return the memory of a process that is no file's."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024 / MB
    raise AssertionError("no RssAnon")


@dataclass
class Peak:
    """The most memory seen, above what there was before."""

    pid: int
    before_mb: float = 0.0
    most_mb: float = 0.0
    _is_over: threading.Event = field(default_factory=threading.Event)

    @property
    def growth_mb(self) -> float:
        return self.most_mb - self.before_mb

    def watch(self) -> None:
        while not self._is_over.wait(0.005):
            self.most_mb = max(self.most_mb, anonymous_mb(self.pid))


@contextmanager
def peak_of(pid: int) -> Iterator[Peak]:
    peak = Peak(pid, before_mb=anonymous_mb(pid))
    thread = threading.Thread(target=peak.watch)
    thread.start()
    try:
        yield peak
    finally:
        peak._is_over.set()
        thread.join()


CLIENT = """
import sys
from pathlib import Path
from vertebra.trainer_client import TrainerClient
address, name, path, dtype = sys.argv[1:]
with TrainerClient(address) as client:
    if dtype == "-":
        client.blobs.download(name, path)
    else:
        client.blobs.save_tensors(name, path, dtype=dtype)
status = Path("/proc/self/status").read_text()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""


def client_peak_mb(running: Served, path: Path, dtype: str = "-") -> float:
    """Return the most memory of a process that saves the file, or a cast of it."""
    arguments = (running.service.address, running.name, str(path), dtype)
    done = subprocess.run(
        [sys.executable, "-c", CLIENT, *arguments], capture_output=True, text=True, check=True
    )
    return int(done.stdout) * 1024 / MB


@pytest.mark.parametrize("dtype", ["-", "BF16"])
def test_memory_of_both_sides_does_not_follow_the_file(small: Served, tmp_path: Path, dtype: str):
    client_peak_mb(small, tmp_path / "warm", dtype)  # numpy, threads and buffers are there now

    with peak_of(small.service.pid) as server:
        client_mb = client_peak_mb(small, tmp_path / "file", dtype)

    print(f"server +{server.growth_mb:.0f} MB, client {client_mb:.0f} MB in all")
    assert server.growth_mb < 40
    assert client_mb < 150
    if dtype == "-":
        digest = hashlib.sha256((tmp_path / "file").read_bytes()).hexdigest()
        assert f"sha256:{digest}" == small.digest


@pytest.mark.full
@pytest.mark.parametrize("dtype", ["-", "BF16"])
def test_a_state_of_1200_mb_takes_no_more(tmp_path: Path, dtype: str):
    with served(tmp_path, 1217) as large:
        list(TrainerClient(large.service.address).blobs.read(large.name, limit=CHUNK_BYTES))
        with peak_of(large.service.pid) as server:
            client_mb = client_peak_mb(large, tmp_path / "file", dtype)

        print(f"server +{server.growth_mb:.0f} MB, client {client_mb:.0f} MB in all")
        assert server.growth_mb < 64
        assert client_mb < 150


@pytest.mark.parametrize("how", ["download", "save_tensors"])
def test_a_stream_cut_at_20_random_points_is_resumed_and_little_comes_twice(
    small: Served, tmp_path: Path, how: str, counted: Counted
):
    share = small.size_bytes // (NUM_CUTS + 1)
    cuts = [Fault(after_bytes=random.randint(CHUNK_BYTES, share)) for _ in range(NUM_CUTS)]
    with (
        tcp_proxy(small.service.address, cuts) as proxy,
        TrainerClient(proxy.address, pace=QUICK) as client,
    ):
        path = getattr(client.blobs, how)(small.name, tmp_path / "file")

    saved = path.read_bytes()
    print(f"{proxy.num_broken} cuts, {proxy.num_bytes - len(saved)} bytes more than the file")
    assert proxy.num_broken == NUM_CUTS
    assert proxy.num_bytes <= len(saved) + (NUM_CUTS + 1) * CHUNK_BYTES
    if how == "download":
        assert f"sha256:{hashlib.sha256(saved).hexdigest()}" == small.digest
    counted(cuts=proxy.num_broken, bytes=len(saved))


def test_asking_again_for_what_one_has_moves_less_than_4_kib(small: Served):
    with TrainerClient(small.service.address) as client:
        first = client.blobs.read_tensors(small.name, tensors=["layer1"])
        assert len(b"".join(first)) > MB - 100
    with (
        tcp_proxy(small.service.address) as proxy,
        TrainerClient(proxy.address) as client,
    ):
        again = client.blobs.read_tensors(
            small.name, tensors=["layer1"], if_none_match=first.file.etag
        )
        assert list(again) == []
        assert proxy.num_bytes < 4096


def test_slow_readers_hold_little_memory_and_keep_nobody_waiting(small: Served):
    """Ten readers take a message each now and then; 10 KB/s would take the file in two hours."""
    request = wire.ReadTensorsRequest(name=small.name, dtype="BF16")
    channels = [grpc.insecure_channel(small.service.address) for _ in range(10)]
    with peak_of(small.service.pid) as server, TrainerClient(small.service.address) as client:
        streams = [BlobServiceStub(channel).ReadTensors(request) for channel in channels]
        for _ in range(2):
            for stream in streams:
                next(stream)
            time.sleep(0.3)
        for _ in range(50):
            assert client.blobs.stat(small.name).size_bytes == small.size_bytes
    for stream in streams:
        stream.cancel()
    for channel in channels:
        with suppress(Exception):
            channel.close()

    print(f"server +{server.growth_mb:.0f} MB for ten slow readers")
    assert server.growth_mb < 10 * 16
