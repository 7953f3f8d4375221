"""A real server over a real store, with a fake catalog and no supervisor: tests play its part."""

import asyncio
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest

from catalog_service.serving.doors import Doors
from catalog_service.serving.drain import DrainTiming
from catalog_service.serving.server import Listen, ServerParts, start_server
from tests.fakes.fake_catalog_gateway import FakeCatalogGateway
from tests.fakes.job_values import job_model, step
from trainer_service.api.event_feed import EventFeed
from trainer_service.api.planning import TrainingHost
from trainer_service.api.rooms import TrainerRooms
from trainer_service.api.train_job_servicer import train_job_registration
from trainer_service.job_store import Hold, JobStore, Outcome
from trainer_service.jobs import JobState, SnapshotRef, SnapshotTaken, SpoolLine
from vertebra.client_errors import RpcFailed, from_rpc_error
from vertebra.trainer.v1 import train_job_pb2
from vertebra.trainer.v1 import train_job_service_pb2 as pb
from vertebra.trainer.v1.train_job_service_pb2_grpc import TrainJobServiceStub

HOST_ID = "host-1"


class Trainer:
    """A server on a thread of its own, and a client of it."""

    def __init__(self, home: Path, *, doors: Doors | None = None, **rooms: Any) -> None:
        self.store = JobStore(f"sqlite:///{home / 'jobs.db'}")
        self.catalog = FakeCatalogGateway()
        self.data = home / "data"
        self.data.mkdir()
        self._rooms = rooms
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()
        self.parts = ServerParts(
            timing=DrainTiming(calls_s=5.0, stop_s=1.0), doors=doors or Doors()
        )
        self._server = self._do(self._start())
        self._channel = grpc.insecure_channel(self._server.address)
        self.stub = TrainJobServiceStub(self._channel)

    @property
    def address(self) -> str:
        """Where it listens."""
        address: str = self._server.address
        return address

    def _do(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    async def _start(self) -> Any:
        self.rooms = TrainerRooms(
            store=self.store,
            catalog=self.catalog,
            feed=EventFeed(self.store, self.parts.drain.draining),
            host=TrainingHost(allowed_roots=(str(self.data),)),
            **self._rooms,
        )
        registration = train_job_registration(self.rooms)
        return await start_server(
            Listen(host="127.0.0.1", port=0), [registration], parts=self.parts
        )

    def begin_drain(self) -> None:
        """What SIGTERM does first."""
        self.loop.call_soon_threadsafe(self.parts.drain.begin)

    def close(self) -> None:
        """Stop all of it."""
        self._channel.close()
        self._do(self._server.drain_and_stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()
        self.store.close()

    def image_folder(self, **num_images: int) -> Path:
        """Make a folder with so many (empty) images per class."""
        folder = self.data / uuid.uuid4().hex
        for name, count in num_images.items():
            (folder / name).mkdir(parents=True)
            for number in range(count):
                (folder / name / f"{number}.png").touch()
        return folder

    def spec(self, **changes: Any) -> train_job_pb2.TrainJobSpec:
        """Return a spec that is accepted, with the digits as data."""
        spec = train_job_pb2.TrainJobSpec(display_name="digits", num_epochs=2)
        spec.model.backbone = "resnet18"
        spec.dataset.bundled_digits.SetInParent()
        for name, value in changes.items():
            setattr(spec, name, value)
        return spec

    def steered(self, kind: str, name: str, *, request_id: str = "", **fields: Any) -> Any:
        """Pause, resume, cancel or delete a job; return its answer."""
        request = getattr(pb, f"{kind}TrainJobRequest")(
            name=name, request_id=request_id or str(uuid.uuid4()), **fields
        )
        return getattr(self.stub, f"{kind}TrainJob")(request, timeout=60)

    def snapshot(self, job_id: str, step_number: int, *, index: int) -> SnapshotRef:
        """Store a snapshot as a worker's line number `index`."""
        ref = SnapshotRef(
            attempt=self.hold(job_id).attempt,
            step=step_number,
            epoch=step_number // 2,
            path=f"/x/{step_number}",
            digest="sha256:4",
            size_bytes=1000,
            save_s=0.25,
            create_time=1000.0 + step_number,
        )
        line = SpoolLine(index=index, time=200.0, event=SnapshotTaken(snapshot=ref))
        self.store.append_lines(self.hold(job_id), [line])
        return ref

    def create(self, spec: Any = None, request_id: str = "") -> pb.CreateTrainJobResponse:
        """Create a job."""
        request = pb.CreateTrainJobRequest(
            request_id=request_id or str(uuid.uuid4()), spec=spec or self.spec()
        )
        return self.stub.CreateTrainJob(request, timeout=60)

    def running(self) -> str:
        """Return the id of a job that runs."""
        job_id: str = self.create().job.job_id
        hold = self.claim(job_id)
        self.store.pin_model(hold, job_model())
        self.store.move(hold, JobState.RUNNING)
        return job_id

    def claim(self, job_id: str) -> Hold:
        """Begin an attempt."""
        return self.store.claim(job_id, HOST_ID, 0.0, device_indices=(0,)).hold

    def hold(self, job_id: str) -> Hold:
        """Return what a supervisor speaks for the job with."""
        return self.store.hold(job_id)

    def finish(self, job_id: str, state: JobState = JobState.SUCCEEDED, **outcome: Any) -> None:
        """End a job."""
        self.store.finish(self.hold(job_id), Outcome(state=state, **outcome))

    def steps(self, job_id: str, first: int, last: int, *, index: int | None = None) -> None:
        """Store steps as a worker's; its lines begin with `index`, else with the first step's."""
        offset = first - (first - 1 if index is None else index)
        lines = [
            SpoolLine(index=number - offset, time=100.0 + number, event=step(number))
            for number in range(first, last + 1)
        ]
        self.store.append_lines(self.hold(job_id), lines)


def refused(call: Callable[[], Any]) -> RpcFailed:
    """Return what a call was refused with."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return from_rpc_error(caught.value, "trainer")


@pytest.fixture
def trainer(tmp_path):
    made = Trainer(tmp_path)
    yield made
    made.close()


@pytest.fixture
def impatient_trainer(tmp_path):
    """Takes every reader for slow."""
    made = Trainer(tmp_path, slow_reader_s=-1.0)
    yield made
    made.close()


@pytest.fixture(name="refused")
def _refused():
    return refused
