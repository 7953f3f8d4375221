"""A watch over a network that breaks a hundred times: what came is what is stored, and no more."""

import time
from collections import Counter
from contextlib import suppress

import grpc
import pytest

from tests.clients.python.conftest import QUICK, Serve
from tests.fakes.fake_trainer import FakeTrainer
from tests.fakes.long_job import NUM_DISCONNECTS, NUM_EVENTS, drawn_faults, long_script
from tests.fakes.tcp_proxy import Break, Fault, slow, tcp_proxy
from tests.robustness.counting import Counted
from vertebra.connection import Pace
from vertebra.trainer.v1 import train_job_service_pb2 as wire
from vertebra.trainer.v1.train_job_service_pb2_grpc import TrainJobServiceStub
from vertebra.trainer_client import TrainerClient
from vertebra.watch_checker import Guarantee, violations
from vertebra.watch_record import WatchOpening

PATIENT = Pace(first_wait_s=0.01, longest_wait_s=0.05, first_patience_s=60.0)


@pytest.fixture
def job_of_many_steps(trainer: FakeTrainer) -> FakeTrainer:
    trainer.script = long_script()
    trainer.batch_size = 10
    trainer.keep("abcd")
    return trainer


def test_a_hundred_disconnects_lose_and_repeat_nothing(
    job_of_many_steps: FakeTrainer, serve: Serve, counted: Counted
) -> None:
    """Cut and reset at bytes drawn by seed: in the handshake, in headers, within messages."""
    openings: list[WatchOpening] = []
    with (
        tcp_proxy(serve(job_of_many_steps), drawn_faults()) as proxy,
        TrainerClient(proxy.address, pace=PATIENT) as client,
    ):
        told = list(client.watch("abcd", record=openings))

    brought = Counter(min(len(one.messages), 3) for one in openings)
    print(f"{proxy.num_broken} breaks; openings by messages that came: {dict(brought)}")
    assert proxy.num_broken == NUM_DISCONNECTS
    assert told == job_of_many_steps.script
    assert violations(openings, job_of_many_steps.script) == []
    assert len([one for one in openings if one.messages]) > NUM_DISCONNECTS / 4
    counted(breaks=proxy.num_broken, events=len(told), openings=len(openings))


def naive_watch(address: str) -> WatchOpening:
    """Return what a reader without a cursor is told: it starts over after every break."""
    told = WatchOpening(after_seq=0)
    while True:
        with suppress(grpc.RpcError), grpc.insecure_channel(address) as channel:
            request = wire.WatchTrainJobRequest(name="abcd")
            for message in TrainJobServiceStub(channel).WatchTrainJob(request):  # type: ignore[no-untyped-call]
                told.tell(message, 0.0)
            return told


def test_a_reader_that_starts_over_reads_events_twice_and_the_checker_sees_it(
    job_of_many_steps: FakeTrainer, serve: Serve
) -> None:
    """The naive way, over the same network."""
    faults = [Fault(after_bytes=2500)] * 2
    with tcp_proxy(serve(job_of_many_steps), faults) as proxy:
        told = naive_watch(proxy.address)

    assert Guarantee.UNIQUE in {one.guarantee for one in violations([told])}


def test_a_slow_way_is_no_broken_way(
    job_of_many_steps: FakeTrainer, serve: Serve, counted: Counted
) -> None:
    openings: list[WatchOpening] = []
    with (
        tcp_proxy(serve(job_of_many_steps), [slow(0.005)]) as proxy,
        TrainerClient(proxy.address, pace=QUICK) as client,
    ):
        seqs = [event.seq for event in client.watch("abcd", record=openings)]

    assert len(seqs) == NUM_EVENTS
    assert len(openings) == 1
    assert proxy.num_broken == 0
    counted(events=len(seqs))


@pytest.mark.full
@pytest.mark.parametrize("how", [Break.STALL, Break.HALF_OPEN])
def test_a_half_open_connection_is_found_by_its_pings(
    job_of_many_steps: FakeTrainer, serve: Serve, how: Break, counted: Counted
) -> None:
    """With the usual pace: a ping after 30 s that is not answered for 20 s. Missed heartbeats alone
    tell after 90 s.
    """
    openings: list[WatchOpening] = []
    with (
        tcp_proxy(serve(job_of_many_steps), [Fault(after_bytes=1500, how=how)]) as proxy,
        TrainerClient(proxy.address) as client,
    ):
        seqs = [event.seq for event in client.watch("abcd", record=openings)]
        found_after_s = time.monotonic() - proxy.broken_at_s[0]

    print(f"left after {found_after_s:.1f} s")
    assert seqs == list(range(1, NUM_EVENTS + 1))
    assert violations(openings, job_of_many_steps.script) == []
    assert found_after_s < 85
    counted(silent_connections=1)
    counted.most(s_until_found=round(found_after_s, 1))
