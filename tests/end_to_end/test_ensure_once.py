"""Two catalogs on one store, many callers of each, one published file on a slow server."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import grpc
import pytest

from tests.fakes.faulty_origin import FaultyOrigin, Throttle
from tests.fakes.publishers import Publishers, publishers
from tests.services import Service, running_catalog
from vertebra.catalog.v1 import weights_service_pb2 as wire
from vertebra.catalog.v1.weights_service_pb2_grpc import WeightsServiceStub
from vertebra.catalog_client import CatalogClient

ARCHITECTURES = ("squeezenet1_0", "squeezenet1_1", "shufflenet_v2_x0_5")
"""One a test: what is in the store already says nothing."""

BYTES_PER_S = 2e6
"""Two and a half seconds for a file."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Publishers]:
    with publishers(tmp_path_factory.mktemp("published")) as world:
        for architecture in ARCHITECTURES:
            world.publish(architecture)
        world.torchvision.throttle = Throttle(BYTES_PER_S)
        yield world


@contextmanager
def two_catalogs(folder: Path, world: Publishers) -> Iterator[tuple[Service, Service]]:
    """Two processes with one blob store."""
    with ExitStack() as stack:
        blobs = {"VERTEBRA_CATALOG_BLOBS": str(folder / "blobs")}
        one, other = (
            stack.enter_context(running_catalog(folder / name, **world.variables, **blobs))
            for name in ("one", "other")
        )
        yield one, other


@pytest.fixture(scope="module")
def catalogs(
    tmp_path_factory: pytest.TempPathFactory, world: Publishers
) -> Iterator[tuple[Service, Service]]:
    with two_catalogs(tmp_path_factory.mktemp("catalogs"), world) as both:
        yield both


@pytest.fixture
def origin(world: Publishers) -> FaultyOrigin:
    return world.torchvision


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(32) as pool:
        yield pool


def ensure(catalog: Service, name: str) -> str:
    with CatalogClient(catalog.address) as client:
        return str(client.ensure_weights(name).blob.digest)


def calling(channel: grpc.Channel, name: str) -> grpc.Call:
    """Return a call under way; unlike the client, it ends when its catalog does."""
    stub = WeightsServiceStub(channel)
    return stub.EnsureWeights(wire.EnsureWeightsRequest(name=name))


def letters(text: str) -> str:
    """Published files are called squeezenet1_0 and shufflenetv2_x0.5."""
    return "".join(letter for letter in text if letter.isalnum())


def begun(origin: FaultyOrigin, name: str, num_bytes: int) -> str:
    """Return the file's path once so much of it went out."""
    [path] = [path for path in origin._files if letters(name) in letters(path)]
    origin.wait_for_bytes(path, num_bytes, timeout_s=60)
    return path


def test_all_callers_of_all_catalogs_share_one_transfer(catalogs, origin, threads):
    name = ARCHITECTURES[0]
    calls = [threads.submit(ensure, catalog, name) for catalog in catalogs for _ in range(8)]

    assert len({call.result(120) for call in calls}) == 1
    assert origin.bodies(begun(origin, name, 1)) == 1


def test_callers_that_leave_stop_nobody(catalogs, origin, threads):
    """All but one cancel, the first among them, who began the transfer."""
    name = ARCHITECTURES[1]
    with grpc.insecure_channel(catalogs[0].address) as channel:
        leaving = [calling(channel, name) for _ in range(15)]
        path = begun(origin, name, 1_000_000)
        stays = threads.submit(ensure, catalogs[0], name)
        for call in leaving:
            call.cancel()

        assert stays.result(120).startswith("sha256:")
    assert origin.bodies(path) == 1


def test_a_transfer_goes_on_when_all_its_callers_have_left(catalogs, origin):
    name = ARCHITECTURES[2]
    with grpc.insecure_channel(catalogs[0].address) as channel:
        call = calling(channel, name)
        path = begun(origin, name, 1_000_000)
        call.cancel()

    assert ensure(catalogs[0], name).startswith("sha256:")
    assert origin.bodies(path) == 1


def test_another_catalog_goes_on_where_a_killed_one_stopped(tmp_path, world, origin, threads):
    name = ARCHITECTURES[1]
    origin.requests.clear()
    with (
        two_catalogs(tmp_path, world) as (doomed, other),
        grpc.insecure_channel(doomed.address) as channel,
    ):
        left = calling(channel, name)
        path = begun(origin, name, 2_000_000)
        waits = [threads.submit(ensure, other, name) for _ in range(8)]
        doomed.kill()

        assert len({call.result(120) for call in waits}) == 1
        assert left.exception() is not None
    first, second = origin.gets(path)
    assert first.range == ""
    assert int(second.range.removeprefix("bytes=").rstrip("-")) > 1_000_000
