"""Services that are restarted, or crash, again and again under load: nobody notices."""

import hashlib
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from catalog_service.blobs.store import BlobStore
from catalog_service.serving.drain import DrainTiming
from tests.fakes.envoy import running_envoy
from tests.fakes.job_values import job_model, step
from tests.fakes.stored_jobs import HOST, new_job
from tests.robustness.counting import Counted
from tests.robustness.service_that_returns import (
    Load,
    ReturningService,
    calling,
    returning,
)
from tests.services import START_TIMEOUT_S
from trainer_service.job_store import Hold, JobStore, Outcome
from trainer_service.jobs import JobState, SpoolLine
from vertebra.catalog_client import CatalogClient
from vertebra.client_errors import RpcFailed, ServiceUnreachable
from vertebra.connection import UNARY_ATTEMPTS, Pace
from vertebra.trainer_client import TrainerClient
from vertebra.watch_checker import violations
from vertebra.watch_record import WatchRecord

FEW = 2
MANY = 50
FULL = [pytest.mark.full, pytest.mark.timeout(1800)]
SIZES = [FEW, pytest.param(MANY, marks=FULL)]
BLOB_BYTES = 4 << 20
CHUNK_BYTES = 1 << 20
NUM_WATCHERS = 8
NUM_ROUNDS = 2
"""So often everybody is answered between two restarts."""
TIMING = DrainTiming()
BUDGET_S = TIMING.total_s + TIMING.hooks_s
QUICK = Pace(longest_wait_s=0.5, away_patience_s=START_TIMEOUT_S, patience_s=START_TIMEOUT_S)
"""A start may take its time on a busy machine; nobody gives up before the test does."""
SPEC = {
    "model": {"backbone": "resnet18", "pretrained": False},
    "dataset": {"bundled_digits": {}},
    "num_epochs": 1,
}


@pytest.fixture(params=["direct", pytest.param("Envoy", marks=pytest.mark.full)])
def way(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Return what makes of a service's address the one that callers use."""
    if request.param == "direct":
        yield lambda address: address
        return
    with ExitStack() as stack:
        yield lambda address: stack.enter_context(
            running_envoy(tmp_path, address, timeout="0s", idle_timeout="60s")
        )


def without_network(home: Path) -> dict[str, str]:
    """Return the settings of a catalog that asks nobody and shares no files."""
    return {
        "TORCH_HOME": str(home / "no-torch"),
        "XDG_CACHE_HOME": str(home / "no-cache"),
        "HF_HOME": str(home / "no-hf"),
        "HF_HUB_CACHE": "",
        "HF_TOKEN": "",
        "VERTEBRA_CATALOG_OFFLINE": "1",
        "VERTEBRA_CATALOG_SHARE_PATHS": "false",
    }


def stored_blob(home: Path) -> str:
    """Put random bytes into the store of a catalog that does not run yet; return their digest."""
    (home / "file").parent.mkdir(parents=True, exist_ok=True)
    (home / "file").write_bytes(random.randbytes(BLOB_BYTES))
    return BlobStore(home / "blobs").adopt_file(home / "file").digest


def restart_under_load(
    service: ReturningService, load: Load, names: list[str], num_restarts: int
) -> None:
    """Restart as often, each time after everybody was answered."""
    load.until_all_answered(names, NUM_ROUNDS)
    for _ in range(num_restarts):
        service.restart()
        load.until_all_answered(names, NUM_ROUNDS)


def assert_clean_exits(service: ReturningService) -> float:
    """Every process ended by itself, within its budget; return how long the slowest took."""
    assert {status for status, _ in service.exits} == {0}
    slowest = max(seconds for _, seconds in service.exits)
    assert slowest < BUDGET_S
    return round(slowest, 2)


@pytest.mark.parametrize("num_restarts", SIZES)
def test_a_catalog_is_restarted_and_no_call_fails(
    tmp_path: Path, way: Callable[[str], str], num_restarts: int, counted: Counted
) -> None:
    digest = stored_blob(tmp_path / "home")
    with (
        returning("catalog_service", tmp_path / "home", **without_network(tmp_path)) as service,
        CatalogClient(way(service.address), pace=QUICK) as client,
    ):

        def read() -> None:
            told = hashlib.sha256()
            for piece in client.blobs.read(digest):
                told.update(piece)
            assert f"sha256:{told.hexdigest()}" == digest

        callers: dict[str, Callable[[], object]] = {
            "get": lambda: client.get_architecture("resnet18"),
            "list": lambda: list(client.list_architectures()),
            "stat": lambda: client.blobs.stat(digest),
            "read": read,
            "read too": read,
        }
        with calling(callers) as load:
            restart_under_load(service, load, ["get", "list", "stat", "read"], num_restarts)
            load.until_all_answered(list(callers), 1)

    assert load.failures == []
    counted(restarts=num_restarts, calls=load.calls.total(), failed=len(load.failures))
    counted.most(s_to_exit=assert_clean_exits(service))


def running_job(store: JobStore) -> Hold:
    """Return the hold of a job that a service can show."""
    job = store.create_job(replace(new_job(), sent_spec="{}")).job
    hold = store.claim(job.job_id, HOST, 0.0).hold
    store.pin_model(hold, job_model())
    store.move(hold, JobState.RUNNING)
    return hold


@dataclass
class Watchers:
    """Readers of one job that speaks until the block ends."""

    store: JobStore
    records: list[WatchRecord] = field(default_factory=list)
    told: list[list[object]] = field(default_factory=list)


@contextmanager
def watching(home: Path, client: TrainerClient) -> Iterator[Watchers]:
    """Have a job told from outside of the service, and watched by several."""
    store = JobStore(f"sqlite:///{home / 'trainer.db'}")
    hold, is_over = running_job(store), threading.Event()
    seen = Watchers(store=store, records=[[] for _ in range(NUM_WATCHERS)])

    def tell() -> None:
        number = 0
        while not is_over.wait(0.02):
            line = SpoolLine(index=number, time=time.time(), event=step(number + 1))
            store.append_lines(hold, [line])
            number += 1
        store.finish(hold, Outcome(state=JobState.SUCCEEDED))

    def watch(record: WatchRecord) -> None:
        seen.told.append(list(client.watch(hold.job_id, record=record)))

    threads = [threading.Thread(target=tell)]
    threads += [threading.Thread(target=watch, args=(record,)) for record in seen.records]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        is_over.set()
        for thread in threads:
            thread.join(240)
    stored = list(client.history(hold.job_id))
    assert seen.told == [stored] * NUM_WATCHERS
    assert [one for record in seen.records for one in violations(record, stored)] == []


def openings_of(seen: Watchers) -> int:
    """Return how often streams were opened again."""
    return sum(len(record) - 1 for record in seen.records)


@contextmanager
def trainer_beside_a_catalog(folder: Path) -> Iterator[ReturningService]:
    """Run a trainer that can be restarted; its jobs are told from outside."""
    with (
        returning("catalog_service", folder / "catalog", **without_network(folder)) as catalog,
        returning(
            "trainer_service",
            folder / "trainer",
            VERTEBRA_TRAINER_CATALOG=catalog.address,
            VERTEBRA_TRAINER_SUPERVISE="false",
        ) as trainer,
    ):
        yield trainer


def callers_of(client: TrainerClient, created: list[str]) -> dict[str, Callable[[], object]]:
    """Return calls that look, and one that makes jobs."""

    def create() -> None:
        request_id = str(uuid.uuid4())
        job = client.create(SPEC, request_id=request_id)
        created.append(job.name)
        client.cancel(job.name)

    return {
        "list": lambda: list(client.list('state = "running"')),
        "capacity": client.capacity,
        "create": create,
    }


OFTEN = ["list", "capacity"]
"""Who is waited for between two restarts; a creation reads data, which takes a second."""


@pytest.mark.parametrize("num_restarts", SIZES)
def test_a_trainer_is_restarted_and_no_call_fails_and_every_stream_goes_on(
    tmp_path: Path, way: Callable[[str], str], num_restarts: int, counted: Counted
) -> None:
    created: list[str] = []
    with (
        trainer_beside_a_catalog(tmp_path) as service,
        TrainerClient(way(service.address), pace=QUICK) as client,
        watching(tmp_path / "trainer", client) as seen,
    ):
        callers = callers_of(client, created)
        with calling(callers) as load:
            restart_under_load(service, load, OFTEN, num_restarts)
            load.until_all_answered(list(callers), 1)

    assert load.failures == []
    assert openings_of(seen) >= NUM_WATCHERS * num_restarts
    counted(
        restarts=num_restarts,
        calls=load.calls.total(),
        failed=len(load.failures),
        streams_resumed=openings_of(seen),
    )
    counted.most(s_to_exit=assert_clean_exits(service))


@pytest.mark.parametrize("num_crashes", [pytest.param(20, marks=FULL)])
def test_a_trainer_that_crashes_makes_one_job_of_each_request(
    tmp_path: Path, num_crashes: int, counted: Counted
) -> None:
    """kill -9 between an effect and its answer: the call is made again, and finds its job."""
    created: list[str] = []
    with (
        trainer_beside_a_catalog(tmp_path) as service,
        TrainerClient(service.address, pace=QUICK) as client,
        watching(tmp_path / "trainer", client) as seen,
    ):
        callers = callers_of(client, created)
        with calling(callers) as load:
            load.until_all_answered(list(callers), NUM_ROUNDS)
            for _ in range(num_crashes):
                service.crash()
                load.until_all_answered(OFTEN, NUM_ROUNDS)
            load.until_all_answered(list(callers), 1)

    assert load.failures == []
    made = [job.job_id for job in seen.store.page_of_jobs(page_size=1000).items]
    assert len(made) == len(created) + 1, "the job that is watched, and one of each request"
    counted(kills=num_crashes, requests=len(created), jobs=len(made) - 1)
    counted(streams_resumed=openings_of(seen))


@pytest.mark.parametrize("num_kills", [2, pytest.param(30, marks=FULL)])
def test_a_download_survives_kills_at_random_bytes(
    tmp_path: Path, num_kills: int, counted: Counted
) -> None:
    digest = stored_blob(tmp_path / "home")
    drawn = random.Random(11)
    kill_at = sorted(drawn.randrange(BLOB_BYTES) for _ in range(num_kills))
    came = hashlib.sha256()
    num_bytes = 0
    with (
        returning("catalog_service", tmp_path / "home", **without_network(tmp_path)) as service,
        CatalogClient(service.address, pace=QUICK) as client,
    ):
        for piece in client.blobs.read(digest):
            came.update(piece)
            num_bytes += len(piece)
            while kill_at and kill_at[0] < num_bytes:
                kill_at.pop(0)
                service.crash()

    assert f"sha256:{came.hexdigest()}" == digest
    assert num_bytes == BLOB_BYTES
    counted(kills=num_kills, bytes=num_bytes)


def test_a_client_that_waits_for_nobody_sees_every_restart(tmp_path: Path) -> None:
    """The naive way: four attempts end before a service is back."""
    impatient = Pace(away_patience_s=0.0)
    with (
        returning("catalog_service", tmp_path / "home", **without_network(tmp_path)) as service,
        CatalogClient(service.address, pace=impatient) as client,
    ):
        client.get_architecture("resnet18")
        service.leave()
        with pytest.raises(ServiceUnreachable):
            client.get_architecture("resnet18")


def test_a_service_that_never_was_there_is_said_at_once() -> None:
    waits: list[float] = []
    with (
        CatalogClient("127.0.0.1:9", pace=Pace(sleep=waits.append)) as client,
        pytest.raises(RpcFailed),
    ):
        client.get_architecture("resnet18")

    assert sum(waits) < Pace().first_patience_s


def test_a_service_that_answers_no_call_is_not_asked_again_for_each() -> None:
    waits: list[float] = []
    with CatalogClient("127.0.0.1:9", pace=Pace(sleep=waits.append)) as client:
        for _ in range(10):
            with pytest.raises(ServiceUnreachable):
                client.get_architecture("resnet18")

    assert len(waits) == UNARY_ATTEMPTS - 1, "the first call's: then enough have failed"
