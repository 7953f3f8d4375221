"""A job of many steps behind a network that breaks a hundred times."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

from tests.fakes.fake_server import running_server
from tests.fakes.fake_trainer import FakeTrainer, step
from tests.fakes.tcp_proxy import Break, Fault, TcpProxy, tcp_proxy
from vertebra.trainer.v1 import train_event_pb2 as events

NUM_DISCONNECTS = 100
NUM_EVENTS = 2000
SEED = 17


def long_script() -> list[events.TrainEvent]:
    """Return a job of many steps."""
    script = [step(1 + number // 100, number, 1 / number) for number in range(1, NUM_EVENTS + 1)]
    for seq, event in enumerate(script, start=1):
        event.seq, event.attempt = seq, 1
    return script


def job_of_many_steps() -> FakeTrainer:
    """Return a trainer with one job, `abcd`."""
    trainer = FakeTrainer(script=long_script(), batch_size=10)
    trainer.keep("abcd")
    return trainer


def drawn_faults() -> list[Fault]:
    """Return cuts and resets at bytes drawn by seed: in the handshake, in headers, in messages."""
    drawn = random.Random(SEED)
    hows = (Break.CUT, Break.RESET)
    return [
        Fault(after_bytes=drawn.randint(1, 2500), how=hows[number % 2])
        for number in range(NUM_DISCONNECTS)
    ]


@contextmanager
def a_way_of_breaks(trainer: FakeTrainer) -> Iterator[TcpProxy]:
    """Serve a trainer behind the breaking network; `.address` leads there."""
    with running_server(trainer.add_to) as address, tcp_proxy(address, drawn_faults()) as proxy:
        yield proxy
