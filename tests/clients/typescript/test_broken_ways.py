"""The TypeScript client over networks that break at bytes drawn by seed."""

import random
from collections.abc import Iterator

import pytest

from tests.clients.typescript.node_suite import Outcomes, names_in, run_suite
from tests.fakes.fake_blobs import FakeBlobs
from tests.fakes.fake_server import running_server
from tests.fakes.fake_trainer import FakeTrainer, step
from tests.fakes.tcp_proxy import Break, Fault, TcpProxy, tcp_proxy

NUM_DISCONNECTS = 100
NUM_EVENTS = 2000
SEED = 23
BLOB = random.Random(SEED).randbytes(300_000)
JOB = "abcd"


def trainer_of_many_steps() -> FakeTrainer:
    """Return a trainer with a long job and a blob."""
    script = [step(1 + number // 100, number, 1 / number) for number in range(1, NUM_EVENTS + 1)]
    for seq, event in enumerate(script, start=1):
        event.seq, event.attempt = seq, 1
    trainer = FakeTrainer(script=script, batch_size=10, blobs=FakeBlobs(chunk_bytes=4000))
    trainer.keep(JOB)
    return trainer


def faults(number: int, longest_bytes: int) -> list[Fault]:
    """Return cuts and resets in turn."""
    drawn = random.Random(SEED)
    hows = (Break.CUT, Break.RESET)
    return [
        Fault(after_bytes=drawn.randint(1, longest_bytes), how=hows[turn % 2])
        for turn in range(number)
    ]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Outcomes, TcpProxy]]:
    """Return what became of each test, and the way that broke a hundred times."""
    trainer = trainer_of_many_steps()
    digest = trainer.blobs.keep(BLOB).digest
    with (
        running_server(trainer.add_to) as address,
        tcp_proxy(address, faults(NUM_DISCONNECTS, 2500)) as events,
        tcp_proxy(address, [Fault(after_bytes=2500)] * 2) as naive,
        tcp_proxy(address, faults(20, 40_000)) as blobs,
    ):
        given = {
            "events": events.address,
            "naive": naive.address,
            "blobs": blobs.address,
            "digest": digest,
            "job": JOB,
            "numEvents": NUM_EVENTS,
        }
        yield run_suite("broken", given, tmp_path_factory.mktemp("broken")), events


@pytest.mark.parametrize("name", names_in("broken"))
def test_the_client(name: str, told: tuple[Outcomes, TcpProxy]) -> None:
    assert told[0].get(name, "it was not run") == ""


def test_the_way_broke_as_often_as_it_was_meant_to(told: tuple[Outcomes, TcpProxy]) -> None:
    assert told[1].num_broken == NUM_DISCONNECTS
