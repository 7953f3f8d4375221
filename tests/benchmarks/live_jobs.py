"""Servers whose jobs speak: ours and a naive one.

`python -m tests.benchmarks.live_jobs <ours|naive> <home> <number of jobs>` prints its address and
its jobs' names. Each line that it reads is `<seconds> <events per second of each job>`: the jobs
tell so many steps. An empty line ends them.

Ours is what the trainer's API process is with its supervisor inside: the store in a file, the
service, and somebody who writes. The naive one keeps nothing: a queue for each watcher.
"""

import asyncio
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import grpc

from catalog_service.serving.garbage import collect_seldom
from catalog_service.serving.limits import Limits
from catalog_service.serving.server import Listen, ServerParts, start_server
from tests.benchmarks.naive_grpc import event_message
from tests.fakes.fake_catalog_gateway import FakeCatalogGateway
from tests.fakes.job_values import job_model, job_spec
from trainer_service.api.event_feed import EventFeed
from trainer_service.api.planning import TrainingHost
from trainer_service.api.rooms import TrainerRooms
from trainer_service.api.train_job_servicer import train_job_registration
from trainer_service.job_store import Hold, JobStore, NewJob, Outcome
from trainer_service.jobs import JobState, SpoolLine, StepMetrics
from vertebra.trainer.v1 import train_job_service_pb2 as wire
from vertebra.trainer.v1 import train_job_service_pb2_grpc

MAX_CALLS = 2000
Tell = Callable[[int, int], None]
"""Tells so many steps of every job, from this number on."""


class Ours:
    """The trainer's service over a store in a file."""

    def __init__(self, home: Path, num_jobs: int) -> None:
        self.store = JobStore(f"sqlite:///{home / 'trainer.db'}")
        self._holds = [self._running_job() for _ in range(num_jobs)]
        self.names = [hold.job_id for hold in self._holds]

    def _running_job(self) -> Hold:
        new = NewJob(spec=job_spec(), sent_spec="{}", request_id=str(uuid.uuid4()), request_hash="")
        hold = self.store.claim(self.store.create_job(new).job.job_id, "host-1", 0.0).hold
        self.store.pin_model(hold, job_model())
        self.store.move(hold, JobState.RUNNING)
        return hold

    async def start(self) -> str:
        """Return the address."""
        parts = ServerParts()
        rooms = TrainerRooms(
            store=self.store,
            catalog=FakeCatalogGateway(),
            feed=EventFeed(self.store, parts.drain.draining),
            host=TrainingHost(allowed_roots=()),
        )
        server = await start_server(
            Listen(host="127.0.0.1", port=0),
            [train_job_registration(rooms)],
            parts=parts,
            limits=Limits(max_streams=MAX_CALLS),
        )
        self._server = server
        collect_seldom()
        return server.address

    def tell(self, first: int, num_steps: int) -> None:
        """Store steps as a worker's, with the time at which they were told."""
        now = time.time()
        for hold in self._holds:
            numbers = range(first, first + num_steps)
            self.store.append_lines(
                hold,
                [SpoolLine(index=number, time=now, event=_step(number)) for number in numbers],
            )

    def finish(self) -> None:
        """End all jobs."""
        for hold in self._holds:
            self.store.finish(hold, Outcome(state=JobState.SUCCEEDED))


class Naive(train_job_service_pb2_grpc.TrainJobServiceServicer):
    """Gives every watcher a queue without an end, and sends one event after another."""

    def __init__(self, num_jobs: int) -> None:
        self.names = [f"job-{number}" for number in range(num_jobs)]
        self._queues: list[asyncio.Queue[tuple[int, float]]] = []

    async def start(self) -> str:
        """Return the address."""
        self._loop = asyncio.get_running_loop()
        self._server = grpc.aio.server(options=[("grpc.max_concurrent_streams", MAX_CALLS)])
        train_job_service_pb2_grpc.add_TrainJobServiceServicer_to_server(self, self._server)
        port = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()
        return f"127.0.0.1:{port}"

    async def WatchTrainJob(  # noqa: N802
        self, request: wire.WatchTrainJobRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[wire.WatchTrainJobResponse]:
        """Yield events as they come; 0 is the end."""
        queue: asyncio.Queue[tuple[int, float]] = asyncio.Queue()
        self._queues.append(queue)
        while (told := await queue.get())[0]:
            yield wire.WatchTrainJobResponse(events={"events": [event_message(*told)]})

    def tell(self, first: int, num_steps: int) -> None:
        """Put steps into all queues, with the time at which they were told."""
        now = time.time()
        for number in range(first, first + num_steps):
            self._loop.call_soon_threadsafe(self._put, number + 1, now)

    def finish(self) -> None:
        """Put the end into all queues."""
        self._loop.call_soon_threadsafe(self._put, 0, 0.0)

    def _put(self, number: int, told: float) -> None:
        for queue in self._queues:
            queue.put_nowait((number, told))


def _step(number: int) -> StepMetrics:
    values = {"loss": 1.0 / (number + 1), "lr": 1e-3}
    return StepMetrics(epoch=1, step=number + 1, values=values, images_per_s=100.0)


def tell_at_a_rate(site: Ours | Naive, first: int, seconds: float, rate: float) -> int:
    """Tell steps evenly, at most a hundred times a second; return how many there were."""
    began, told = time.monotonic(), 0
    while (passed := time.monotonic() - began) < seconds:
        due = int(passed * rate) - told
        if due:
            site.tell(first + told, due)
            told += due
        time.sleep(min(0.01, 1 / rate))
    return told


async def serve(kind: str, home: Path, num_jobs: int) -> None:
    """Serve, and do what the lines say."""
    site = Ours(home, num_jobs) if kind == "ours" else Naive(num_jobs)
    print(await site.start(), *site.names, flush=True)
    first = 0
    while words := (await asyncio.to_thread(sys.stdin.readline)).split():
        seconds, rate = map(float, words)
        told = await asyncio.to_thread(tell_at_a_rate, site, first, seconds, rate)
        first += told
        print(told, flush=True)
    await asyncio.to_thread(site.finish)
    print("over", flush=True)
    await asyncio.to_thread(sys.stdin.readline)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
