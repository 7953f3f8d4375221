"""How many watch, and how far the last of them is behind: looked at, not counted."""

import asyncio
import time

from prometheus_client import CollectorRegistry

from tests.fakes.in_loop import until
from trainer_service.api.watch import Watch, WatchTiming
from vertebra.trainer.v1 import train_job_service_pb2 as pb

NAMES = ("watchers", "watcher_lag_events", "watcher_lag_seconds")


def shown(registry: CollectorRegistry) -> list[float | None]:
    return [registry.get_sample_value(f"vertebra_trainer_{name}") for name in NAMES]


def wait_for(question) -> None:
    deadline = time.monotonic() + 30
    while not question():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_reader_that_takes_all_is_not_behind_and_is_gone_when_it_leaves(trainer):
    registry = CollectorRegistry()
    trainer.rooms.feed.readers.show(registry)
    assert shown(registry) == [0, 0, 0]
    job_id = trainer.running()
    trainer.steps(job_id, 1, 3)
    stream = trainer.stub.WatchTrainJob(pb.WatchTrainJobRequest(name=job_id), timeout=60)
    next(stream)

    wait_for(lambda: shown(registry) == [1, 0, 0])

    stream.cancel()
    wait_for(lambda: shown(registry) == [0, 0, 0])


def test_a_reader_that_takes_nothing_falls_behind(trainer):
    registry = CollectorRegistry()
    trainer.rooms.feed.readers.show(registry)
    job_id = trainer.running()

    async def scenario() -> None:
        watch = Watch(
            ends=trainer.store.log_ends(job_id),
            log_id=trainer.store.log_id,
            after_seq=0,
            feed=trainer.rooms.feed,
            timing=WatchTiming(),
        )
        messages = watch.messages()
        await anext(messages)  # and no more of them
        await asyncio.to_thread(trainer.steps, job_id, 1, 100)
        await until(lambda: shown(registry)[1] >= 100)
        assert shown(registry)[2] > 0
        await messages.aclose()

    asyncio.run_coroutine_threadsafe(scenario(), trainer.loop).result(60)

    assert shown(registry) == [0, 0, 0]
