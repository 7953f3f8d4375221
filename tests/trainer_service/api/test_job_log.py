"""What a log keeps in memory, and how its readers are woken."""

import asyncio

from trainer_service.api.event_bytes import MAX_BATCH_BYTES, num_fitting
from trainer_service.api.job_log import KEPT_BYTES, JobLog
from vertebra.trainer.v1 import train_event_pb2
from vertebra.trainer.v1.train_job_service_pb2 import EventBatch, WatchTrainJobResponse


def element(seq: int, num_bytes: int = 0) -> bytes:
    text = "x" * num_bytes
    event = train_event_pb2.TrainEvent(seq=seq, message=train_event_pb2.Message(text=text))
    return EventBatch(events=[event]).SerializeToString()


def seqs(events) -> list[int]:
    return [one.seq for one in WatchTrainJobResponse.FromString(events.data).events.events]


def log_of(first: int, last: int, num_bytes: int = 0) -> JobLog:
    log = JobLog("9f3c", "log-1", first - 1)
    log.append([element(seq, num_bytes) for seq in range(first, last + 1)], is_final=False)
    return log


def test_a_message_has_what_follows_a_position_and_the_logs_id():
    events = log_of(5, 9).after(6)

    assert seqs(events) == [7, 8, 9]
    assert events.last_seq == 9
    assert WatchTrainJobResponse.FromString(events.data).log_id == "log-1"


def test_what_is_not_in_memory_is_none():
    log = log_of(5, 9)

    assert log.after(3) is None
    assert log.after(9) is None


def test_old_events_make_room_for_new_ones():
    log = log_of(1, 300, num_bytes=KEPT_BYTES // 100)

    assert log.after(0) is None
    assert log.last_seq == 300
    assert 50 < len(seqs(log.after(220))) <= 100


def test_an_event_that_is_larger_than_all_room_is_kept_alone():
    log = log_of(1, 2, num_bytes=KEPT_BYTES * 2)

    assert log.after(0) is None
    assert seqs(log.after(1)) == [2]


def test_a_message_stays_below_what_clients_take():
    elements = [element(seq, MAX_BATCH_BYTES // 3) for seq in range(1, 6)]

    assert num_fitting(elements, MAX_BATCH_BYTES) == 2
    assert num_fitting([element(1, MAX_BATCH_BYTES)], MAX_BATCH_BYTES) == 1


def test_a_change_wakes_every_reader_and_a_silent_one_only_its_time():
    async def scenario():
        clock = asyncio.get_running_loop().time
        log = JobLog("9f3c", "log-1", 0)
        with log.bell() as one, log.bell() as other:
            waits = [asyncio.ensure_future(bell.wait(clock() + 60)) for bell in (one, other)]
            await asyncio.sleep(0)
            log.append([element(1)], is_final=False)
            await asyncio.gather(*waits)
            began = clock()
            await one.wait(began + 0.05)
            assert clock() - began >= 0.04
        assert log.num_readers == 0

    asyncio.run(scenario())


def test_nothing_new_wakes_nobody():
    async def scenario():
        log = JobLog("9f3c", "log-1", 3)
        with log.bell() as bell:
            wait = asyncio.ensure_future(bell.wait(asyncio.get_running_loop().time() + 60))
            await asyncio.sleep(0)
            log.append([], is_final=False)
            await asyncio.sleep(0.01)
            assert not wait.done()
            log.append([], is_final=True)
            await wait

    asyncio.run(scenario())


def test_a_timer_that_rings_too_early_is_not_made_anew_for_every_wait():
    async def scenario():
        log, clock = JobLog("9f3c", "log-1", 0), asyncio.get_running_loop().time
        with log.bell() as bell:
            timers = set()
            for seq in range(1, 20):
                wait = asyncio.ensure_future(bell.wait(clock() + 60 + seq))
                await asyncio.sleep(0)
                timers.add(id(bell._timer))
                log.append([element(seq)], is_final=False)
                await wait
            return len(timers)

    assert asyncio.run(scenario()) == 1
