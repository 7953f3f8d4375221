"""Ctrl-C ends an examination at once, however long its streams were to be held."""

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.fakes.path_service import running_path_service
from vertebra.doctor.examine import examine
from vertebra.doctor.held_streams import hold
from vertebra.doctor.way import GivenUp, Way

LONG_S = 3600.0
PATIENCE_S = 60.0
NUM_HELD = 5
"""Two that beat, two that are silent, and one with pings."""


def test_streams_that_are_held_end_when_the_examination_is_interrupted() -> None:
    with running_path_service() as address, ThreadPoolExecutor(1) as pool:
        way = Way(address=address)
        held = pool.submit(hold, way, LONG_S, True)
        with pytest.raises(KeyboardInterrupt), way.given_up_when_interrupted():
            raise KeyboardInterrupt

        assert held.exception(PATIENCE_S) or held.result().is_cut


def test_none_begins_after_that() -> None:
    way = Way(address="localhost:1")
    with pytest.raises(KeyboardInterrupt), way.given_up_when_interrupted():
        raise KeyboardInterrupt

    with pytest.raises(GivenUp):
        hold(way, LONG_S, is_silent=True, delay_s=LONG_S)


def test_an_interrupted_examination_waits_for_none_of_its_streams() -> None:
    with running_path_service() as address:
        way = Way(address=address)
        interrupting = threading.Thread(target=interrupt_when_held, args=(way,))
        interrupting.start()

        with pytest.raises(KeyboardInterrupt):
            examine(way, hold_s=LONG_S)

        interrupting.join()


def interrupt_when_held(way: Way) -> None:
    """Press Ctrl-C once as many connections are open as an examination holds streams."""
    deadline = time.monotonic() + PATIENCE_S
    while way.num_open < NUM_HELD and time.monotonic() < deadline:
        time.sleep(0.01)
    ident = threading.main_thread().ident
    assert ident is not None
    signal.pthread_kill(ident, signal.SIGINT)
