"""Many callers at once, and readers that stop, against a server of its own process."""

import asyncio
from collections import Counter

import grpc
import psutil
import pytest
from google.rpc import error_details_pb2, status_pb2

from tests.benchmarks.watching import Site, live
from tests.fakes.stalled_reader import stalled_reader
from vertebra.trainer.v1 import train_job_service_pb2 as pb
from vertebra.trainer.v1.train_job_service_pb2_grpc import TrainJobServiceStub

MOST_BYTES = 5_000_000
"""Of memory for a reader that stopped."""
EVENT_BYTES = 130
"""Of one step on the wire."""
CALLS_PER_CONNECTION = 250
WATCH = "/vertebra.trainer.v1.TrainJobService/WatchTrainJob"


async def outcomes(site: Site, num_calls: int) -> Counter[str]:
    """Ask for one job so many times at once; return how the calls ended."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [
        grpc.aio.insecure_channel(site.address, options=options)
        for _ in range(-(-num_calls // CALLS_PER_CONNECTION))
    ]
    stubs = [TrainJobServiceStub(channel) for channel in channels]
    request = pb.GetTrainJobRequest(name=site.names[0])
    calls = [stubs[n % len(stubs)].GetTrainJob(request, timeout=120) for n in range(num_calls)]
    ended = await asyncio.gather(*(_outcome(call) for call in calls))
    for channel in channels:
        await channel.close()
    return Counter(ended)


async def _outcome(call: grpc.aio.UnaryUnaryCall) -> str:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        status = status_pb2.Status()
        details = dict(error.trailing_metadata()).get("grpc-status-details-bin", b"")
        status.ParseFromString(details)
        delay = error_details_pb2.RetryInfo()
        has_delay = any(detail.Unpack(delay) for detail in status.details)
        return f"{error.code().name} with RetryInfo" if has_delay else repr(error)
    return "OK"


def test_calls_beyond_the_limit_are_refused_with_a_time_to_come_back(counted):
    """gRPC's core would cancel some of them, and clients never retry CANCELLED."""
    with live("ours", 1) as site:
        ended = asyncio.run(outcomes(site, 1000))

    assert set(ended) <= {"OK", "RESOURCE_EXHAUSTED with RetryInfo"}, ended
    assert ended["OK"] > 0
    counted(calls=ended.total(), cancelled=0)


@pytest.mark.full
def test_five_thousand_calls_at_once_are_answered_or_refused_with_a_time(counted):
    with live("ours", 1) as site:
        ended = asyncio.run(outcomes(site, 5000))

    assert set(ended) <= {"OK", "RESOURCE_EXHAUSTED with RetryInfo"}, ended
    assert ended.total() == 5000
    counted(calls=ended.total(), cancelled=0)


@pytest.mark.full
def test_a_reader_that_stops_costs_little_and_nobody_else_waits(counted):
    """A server that keeps every message for whom it is meant would need more."""
    num_readers, num_events = 20, 60_000
    with live("ours", 1) as site:
        process = psutil.Process(site.program.pid)
        site.tell(1.0, 500)  # caches are warm
        before = process.memory_info().rss
        told = asyncio.run(_tell_stopped_readers(site, num_readers, num_events))
        grown = process.memory_info().rss - before

    assert told * EVENT_BYTES > MOST_BYTES
    assert grown / num_readers < MOST_BYTES
    counted(stalled_readers=num_readers, events=told)
    counted.most(kb_a_reader=round(grown / num_readers / 1000))


async def _tell_stopped_readers(site: Site, num_readers: int, num_events: int) -> int:
    request = pb.WatchTrainJobRequest(name=site.names[0]).SerializeToString()
    async with stalled_reader(site.address) as reader:
        for _ in range(num_readers):
            reader.call(WATCH, request)
        await asyncio.wait_for(reader.got_headers.wait(), 60)
        return await asyncio.to_thread(site.tell, 20.0, num_events / 20)
