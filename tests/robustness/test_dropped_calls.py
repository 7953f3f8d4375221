"""Callers who leave at any moment leave nothing behind: no task, descriptor, object, file, memory.

Servers and callers are in one process here, so that whatever either of them keeps is counted.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import grpc
import pytest

from tests.catalog_service.serving.test_blob_servicer import NAME, put, service, upload
from tests.fakes.echo_service import NAME as ECHO
from tests.fakes.echo_service import echo_server
from tests.fakes.in_loop import until
from tests.robustness.counting import Counted
from tests.robustness.leaks import WAVE, Held, drop_calls, held, left, settled, some_of
from tests.trainer_service.api.conftest import Trainer
from vertebra.blob.v1 import blob_service_pb2 as blobs
from vertebra.blob.v1.blob_service_pb2_grpc import BlobServiceStub
from vertebra.trainer.v1 import train_job_service_pb2 as jobs
from vertebra.trainer.v1.train_job_service_pb2_grpc import TrainJobServiceStub

SIZES = [500, pytest.param(5000, marks=[pytest.mark.full, pytest.mark.timeout(1200)])]
"""Of each of the two tests: together 1,000 and 10,000."""
WARM = 200
SLACK = 20
"""Caches and a connection on its way out; a leak of one in a hundred calls is more."""
SLACK_MB = 30.0
SLOW_S = 0.002


async def stat(channel: grpc.aio.Channel, chance: Random) -> None:
    await left(BlobServiceStub(channel).StatBlob(blobs.StatBlobRequest(name=NAME)), chance)


async def read(channel: grpc.aio.Channel, chance: Random) -> None:
    call = BlobServiceStub(channel).ReadBlob(blobs.ReadBlobRequest(name=NAME, chunk_bytes=65536))
    await some_of(call, chance)
    await left(call, chance)


async def write(channel: grpc.aio.Channel, chance: Random) -> None:
    async def slowly() -> AsyncIterator[blobs.WriteBlobRequest]:
        for message in upload(Random(7).randbytes(200_000)):
            yield message
            await asyncio.sleep(SLOW_S)
        await asyncio.sleep(3600)

    await left(BlobServiceStub(channel).WriteBlob(slowly()), chance)


def assert_nothing_is_left(before: Held, after: Held) -> None:
    assert after.num_tasks <= before.num_tasks, (before, after)
    assert after.num_descriptors <= before.num_descriptors + SLACK, (before, after)
    assert after.num_grpc_objects <= before.num_grpc_objects + SLACK, (before, after)
    assert after.rss_mb <= before.rss_mb + SLACK_MB, (before, after)


def tell(counted: Counted, num_calls: int, before: Held, after: Held) -> None:
    counted(
        calls_dropped=num_calls,
        tasks_left=max(0, after.num_tasks - before.num_tasks),
    )
    counted.most(
        grpc_objects_more=after.num_grpc_objects - before.num_grpc_objects,
        descriptors_more=after.num_descriptors - before.num_descriptors,
        mb_more=round(after.rss_mb - before.rss_mb, 1),
    )


@pytest.mark.parametrize("num_calls", SIZES)
def test_dropped_calls_leave_nothing_in_a_catalog(
    tmp_path: Path, num_calls: int, counted: Counted
) -> None:
    async def scenario() -> tuple[Held, Held, list[str]]:
        async with service(tmp_path) as running:
            put(running.store)
            loop, kinds = asyncio.get_running_loop(), (stat, read, write)
            found, num_idle = [], len(asyncio.all_tasks(loop))
            for size in (num_calls // 2, num_calls):
                await drop_calls(running.server.address, kinds, size, seed=size)
                await until(lambda: running.server.in_flight.num_calls == 0)
                await until(lambda: len(asyncio.all_tasks(loop)) <= num_idle)
                await settled()
                found.append(held([loop]))
            return found[0], found[1], running.files()

    before, after, files = asyncio.run(asyncio.wait_for(scenario(), 900))

    assert_nothing_is_left(before, after)
    assert files == [NAME.removeprefix("blobs/sha256:")], "nothing but the blob that was there"
    tell(counted, num_calls, before, after)
    counted(files_left=len(files) - 1)


@pytest.mark.parametrize("num_calls", SIZES)
def test_dropped_watches_leave_nothing_in_a_trainer(
    tmp_path: Path, num_calls: int, counted: Counted
) -> None:
    trainer = Trainer(tmp_path)
    job_id = trainer.running()
    trainer.steps(job_id, 1, 2000)

    async def watch(channel: grpc.aio.Channel, chance: Random) -> None:
        request = jobs.WatchTrainJobRequest(name=job_id, after_seq=chance.randrange(2000))
        call = TrainJobServiceStub(channel).WatchTrainJob(request)
        await some_of(call, chance)
        await left(call, chance)

    async def get(channel: grpc.aio.Channel, chance: Random) -> None:
        request = jobs.GetTrainJobRequest(name=job_id)
        await left(TrainJobServiceStub(channel).GetTrainJob(request), chance)

    async def scenario() -> tuple[Held, Held]:
        found, num_idle = [], len(asyncio.all_tasks(trainer.loop))
        loops = (asyncio.get_running_loop(), trainer.loop)
        for size in (num_calls // 2, num_calls):
            await drop_calls(trainer.address, (watch, get), size, seed=size)
            await until(lambda: trainer._server.in_flight.num_calls == 0)
            await until(lambda: len(asyncio.all_tasks(trainer.loop)) <= num_idle)
            await settled()
            found.append(held(loops))
        return found[0], found[1]

    before, after = asyncio.run(asyncio.wait_for(scenario(), 900))
    trainer.close()

    assert_nothing_is_left(before, after)
    tell(counted, num_calls, before, after)


def test_sizes_are_whole_waves() -> None:
    assert WARM % WAVE == 250 % WAVE == 2500 % WAVE == 0


def test_a_server_that_forgets_a_task_of_each_call_is_seen() -> None:
    """The control: what a leak looks like from here."""

    async def scenario() -> tuple[Held, Held]:
        forgotten = set()

        async def forgetful(text: str) -> str:
            forgotten.add(asyncio.ensure_future(asyncio.Event().wait()))
            return text

        async def call(channel: grpc.aio.Channel, chance: Random) -> None:
            await left(channel.unary_unary(f"/{ECHO}/UnaryUnary")(b""), chance)

        async with echo_server(forgetful) as echo:
            loop = asyncio.get_running_loop()
            before = held([loop])
            await drop_calls(echo.server.address, (call,), WARM, seed=1)
            await until(lambda: echo.server.in_flight.num_calls == 0)
            after = held([loop])
            for task in forgotten:
                task.cancel()
            return before, after

    with pytest.raises(AssertionError):
        assert_nothing_is_left(*asyncio.run(asyncio.wait_for(scenario(), 60)))
