"""EnsureWeights and ExplainWeights of a real catalog whose publishers are on loopback."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from tests.catalog_service.api.conftest import failure
from tests.fakes import faults
from tests.fakes.published_weights import PublishedFile
from tests.fakes.publishers import GATED, Publishers, publishers
from tests.services import Service, running_catalog
from vertebra.catalog.v1 import weights_service_pb2 as wire
from vertebra.catalog.v1.weights_service_pb2_grpc import WeightsServiceStub
from vertebra.catalog_client import CatalogClient
from vertebra.model.v1.stream_pb2 import StreamEnd

SLOW_BYTES_PER_S = 2_000_000
PATIENCE_S = 60.0
NUM_CALLERS = 64
LEAVES_S = 1.0

Start = Callable[[], Service]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Publishers]:
    """Publishers of one small weight, not slow yet."""
    with publishers(tmp_path / "published") as world:
        yield world


@pytest.fixture
def file(world: Publishers) -> PublishedFile:
    """The weight: only the publisher has it."""
    published = world.publish("squeezenet1_1")
    published.path.unlink()
    return published


@pytest.fixture
def start(world: Publishers, tmp_path: Path) -> Iterator[Start]:
    """Start a catalog, or one after another with the same files."""
    running = []

    def begin() -> Service:
        context = running_catalog(tmp_path / "catalog", **world.variables)
        running.append(context)
        return context.__enter__()

    yield begin
    for context in running:
        context.__exit__(None, None, None)


def until(is_so: Callable[[], bool]) -> None:
    """Wait for something that must come."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)


def ensure(channel: grpc.Channel, name: str, **options: float) -> grpc.Future:
    """Open one stream."""
    stub = WeightsServiceStub(channel)  # type: ignore[no-untyped-call]
    return stub.EnsureWeights(wire.EnsureWeightsRequest(name=name), **options)


def weights_of(stream: grpc.Future) -> wire.EnsuredWeights:
    """Read a stream to its end; return the result."""
    (found,) = [each.weights for each in stream if each.HasField("weights")]
    return found


def test_callers_that_leave_take_nothing_from_the_last_one(
    world: Publishers, file: PublishedFile, start: Start
) -> None:
    """64 calls in every spelling, 63 of them cancelled: one body leaves the publisher."""
    world.torchvision.throttle._bytes_per_s = SLOW_BYTES_PER_S
    path, spellings = world.path(file.path), ("squeezenet1_1", "SqueezeNet1_1_Weights.DEFAULT")
    with grpc.insecure_channel(start().address) as channel:
        streams = [ensure(channel, spellings[number % 2]) for number in range(NUM_CALLERS)]
        until(lambda: world.torchvision.bytes_sent(path) > 0)
        for stream in streams[:-1]:
            stream.cancel()

        found = weights_of(streams[-1])

    assert found.reference == file.reference
    assert world.torchvision.bodies(path) == 1


def test_all_callers_get_the_same_blob_and_progress_on_the_way(
    world: Publishers, file: PublishedFile, start: Start
) -> None:
    world.torchvision.throttle._bytes_per_s = SLOW_BYTES_PER_S
    reports: list[list[wire.EnsureProgress]] = [[] for _ in range(8)]
    with CatalogClient(start().address) as client, ThreadPoolExecutor(len(reports)) as threads:
        calls = [
            threads.submit(client.ensure_weights, "squeezenet1_1", on_progress=seen.append)
            for seen in reports
        ]
        digests = {call.result().blob.digest for call in calls}

    assert len(digests) == 1
    assert all(any(report.bytes_done for report in seen) for seen in reports)
    assert world.torchvision.bodies(world.path(file.path)) == 1


def test_a_deadline_is_kept_and_the_work_goes_on(
    world: Publishers, file: PublishedFile, start: Start
) -> None:
    world.torchvision.fault(world.path(file.path), faults.drip(piece_bytes=262_144, every_s=0.15))
    with grpc.insecure_channel(start().address) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            weights_of(ensure(channel, "squeezenet1_1", timeout=LEAVES_S))
        found = weights_of(ensure(channel, "squeezenet1_1"))

    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert found.reference == file.reference
    assert world.torchvision.bodies(world.path(file.path)) == 1


def test_a_shutdown_ends_streams_in_order_and_the_next_catalog_goes_on(
    world: Publishers, file: PublishedFile, start: Start
) -> None:
    path, size = world.path(file.path), len(world.torchvision._files[world.path(file.path)].data)
    world.torchvision.throttle._bytes_per_s = SLOW_BYTES_PER_S
    first = start()
    with grpc.insecure_channel(first.address) as channel:
        stream = ensure(channel, "squeezenet1_1")
        until(lambda: world.torchvision.bytes_sent(path) > size // 4)
        first.process.terminate()
        last = list(stream)[-1]
    first.process.wait(PATIENCE_S)
    world.torchvision.throttle._bytes_per_s = 0

    with CatalogClient(start().address) as client:
        found = client.ensure_weights("squeezenet1_1")

    assert last.end.reason == StreamEnd.REASON_DRAINING
    assert found.reference == file.reference
    resumed = world.torchvision.gets(path)[-1]
    assert resumed.range.startswith("bytes=") and resumed.range != "bytes=0-"


def test_explaining_asks_nobody_and_a_probe_asks_for_headers(
    world: Publishers, file: PublishedFile, start: Start, tmp_path: Path
) -> None:
    with CatalogClient(start().address) as client:
        kept = tree(tmp_path / "catalog")
        unasked = client.explain_weights("squeezenet1_1")
        assert world.torchvision.requests == []

        probed = client.explain_weights("squeezenet1_1", probe=True)

    assert unasked.steps[-1].outcome == wire.TrailStep.OUTCOME_NOT_ASKED
    assert probed.steps[-1].outcome == wire.TrailStep.OUTCOME_HIT
    assert unasked.availability == probed.availability == wire.AVAILABILITY_REMOTE
    assert [request.method for request in world.torchvision.requests] == ["HEAD"]
    assert tree(tmp_path / "catalog") == kept


def test_a_refusal_has_gate_page_and_trail_for_programs(world: Publishers, start: Start) -> None:
    with CatalogClient(start().address) as client:
        failed = failure(lambda: client.ensure_weights(GATED))

    assert (failed.code, failed.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "WEIGHTS_GATED",
    )
    assert failed.metadata["gate"] == "NO_TOKEN"
    assert failed.metadata["step.1"] == "store: absent"
    assert "gated" in failed.metadata["step.4"]
    assert any(link.url.endswith(f"/{GATED}") for link in failed.links)


def tree(folder: Path) -> dict[str, int]:
    """Return the size of every file below a folder, logs apart."""
    return {
        str(path.relative_to(folder)): path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".log"
    }
