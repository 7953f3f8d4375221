"""Many callers who want one published weight at once, beside one curl; and who wants one that is
in the store already, beside the sha256sum that would have to be computed to look again.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from catalog_service.blobs.digests import hex_of
from tests.benchmarks.rows import Metric, Row, Sample, Way, compare, take_turns
from tests.fakes.faulty_origin import Throttle
from tests.fakes.publishers import Publishers, publishers
from tests.services import Service, running_catalog
from vertebra.catalog_client import CatalogClient

COLD = (
    Metric(name="wall_s", title="until all have the bytes, s"),
    Metric(name="num_bodies", title="GETs of the body"),
)
CACHED = (
    Metric(name="wall_s", title="ms", scale=1000.0),
    Metric(name="read_mb", title="MB read from files"),
)

NUM_PROCESSES = 4

CALLERS = """
import json, sys, threading, time
from vertebra.catalog.v1 import weights_service_pb2 as wire
from vertebra.catalog_client import CatalogClient

address, name, num_threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
DOWNLOADED = wire.EnsureProgress.STEP_CONVERTING, wire.EnsureProgress.STEP_STORING
arrived, digests = [], set()

def ensure():
    seen = []
    def note(progress):
        if progress.step in DOWNLOADED and not seen:
            seen.append(time.monotonic())
    digests.add(client.ensure_weights(name, on_progress=note).blob.digest)
    arrived.append(seen[0] if seen else time.monotonic())

with CatalogClient(address) as client:
    client.get_weights(name)
    print("ready", flush=True)
    sys.stdin.readline()
    threads = [threading.Thread(target=ensure) for _ in range(num_threads)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
assert len(arrived) == num_threads and len(digests) == 1
print(json.dumps({"arrived": max(arrived), "digest": digests.pop()}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured."""

    architecture_id: str
    bytes_per_s: float
    num_callers: int
    num_rounds: int


def measure(size: Size) -> list[Row]:
    """Return rows of a cold weight and of a stored one."""
    with tempfile.TemporaryDirectory() as name, publishers(Path(name) / "published") as world:
        published = world.publish(size.architecture_id)
        path = world.path(published.path)
        cold = [
            _cold(world, path, published.reference, size, Path(name)),
            _curl(world, path, size, Path(name)),
        ]
        samples = dict(take_turns(cold, size.num_rounds))
        with running_catalog(Path(name) / "home", **world.variables) as catalog:
            world.torchvision.throttle = Throttle(0)
            cached = _cached(catalog, published.reference, Path(name) / "home")
            samples |= take_turns(cached, size.num_rounds)
    return [
        *compare("ensure", cold[0], cold[1], COLD, samples),
        *compare("ensure", cached[0], cached[1], CACHED, samples),
    ]


def _cold(world: Publishers, path: str, reference: str, size: Size, folder: Path) -> Way:
    def run() -> Sample:
        with tempfile.TemporaryDirectory(dir=folder) as home, ExitStack() as stack:
            catalog = stack.enter_context(running_catalog(Path(home), **world.variables))
            per_process = size.num_callers // NUM_PROCESSES
            callers = [
                stack.enter_context(_callers(catalog, reference, per_process))
                for _ in range(NUM_PROCESSES)
            ]
            world.torchvision.throttle = Throttle(size.bytes_per_s)
            before, began = world.torchvision.bodies(path), time.monotonic()
            arrived = max(_arrival(one) for one in [_begun(caller) for caller in callers])
        return {
            "wall_s": arrived - began,
            "num_bodies": world.torchvision.bodies(path) - before,
        }

    command = f"client.ensure_weights({reference!r}) by {NUM_PROCESSES} processes; cold catalog"
    return Way(name=f"{size.num_callers} callers of EnsureWeights", command=command, run=run)


def _curl(world: Publishers, path: str, size: Size, folder: Path) -> Way:
    url = world.torchvision.url + path

    def run() -> Sample:
        world.torchvision.throttle = Throttle(size.bytes_per_s)
        before, began = world.torchvision.bodies(path), time.monotonic()
        subprocess.run(["curl", "-s", "-f", "-o", str(folder / "by-curl"), url], check=True)
        wall_s = time.monotonic() - began
        return {"wall_s": wall_s, "num_bodies": world.torchvision.bodies(path) - before}

    name = f"one curl, origin throttled to {size.bytes_per_s / 1e6:,.0f} MB/s"
    return Way(name=name, command="curl -o path <url>", run=run)


@contextmanager
def _callers(
    catalog: Service, reference: str, num_threads: int
) -> Iterator["subprocess.Popen[str]"]:
    """Yield a process that is ready to call."""
    command = [sys.executable, "-c", CALLERS, catalog.address, reference, str(num_threads)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None
    with process.stdin, process.stdout:
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()
            process.wait()


def _begun(process: "subprocess.Popen[str]") -> "subprocess.Popen[str]":
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    return process


def _arrival(process: "subprocess.Popen[str]") -> float:
    """Return when the last of its callers knew that the bytes are here; one clock for all."""
    assert process.stdout is not None
    return float(json.loads(process.stdout.readline())["arrived"])


def _cached(catalog: Service, reference: str, home: Path) -> list[Way]:
    with CatalogClient(catalog.address) as client:
        digest = client.ensure_weights(reference).blob.digest
    [blob] = (home / "blobs" / "sha256").rglob(hex_of(digest))

    def ensure() -> Sample:
        with CatalogClient(catalog.address) as client:
            client.get_weights(reference)
            read_bytes, began = -_read_bytes(catalog.pid), time.monotonic()
            assert client.ensure_weights(reference).blob.digest == digest
            wall_s = time.monotonic() - began
        return {"wall_s": wall_s, "read_mb": max(read_bytes + _read_bytes(catalog.pid), 1) / 1e6}

    def hash_again() -> Sample:
        began = time.monotonic()
        subprocess.run(["sha256sum", str(blob)], check=True, stdout=subprocess.DEVNULL)
        return {"wall_s": time.monotonic() - began, "read_mb": blob.stat().st_size / 1e6}

    return [
        Way(
            name="EnsureWeights of a stored weight",
            command=f"client.ensure_weights({reference!r})",
            run=ensure,
        ),
        Way(name="hashing it again", command="sha256sum <blob>", run=hash_again),
    ]


def _read_bytes(pid: int) -> int:
    """Return what a process has read through `read` so far: files, not sockets."""
    for line in Path(f"/proc/{pid}/io").read_text().splitlines():
        if line.startswith("rchar:"):
            return int(line.split()[1])
    raise AssertionError("this kernel does not count what a process reads")
