"""Pieces are written in order in a thread; a failure stops all and is not lost."""

import threading
from collections.abc import Callable

import pytest

from vertebra.write_behind import MAX_WAITING, WriteBehind


def test_pieces_are_written_in_order_and_all_of_them_when_the_block_ends() -> None:
    written: list[bytes] = []

    with WriteBehind(written.append) as behind:
        for number in range(100):
            behind.put(bytes([number]))

    assert written == [bytes([number]) for number in range(100)]


def failing(after: int, written: list[bytes]) -> Callable[[bytes], None]:
    """Return a write that fails once: later ones would leave a hole."""
    calls: list[bytes] = []

    def write(data: bytes) -> None:
        calls.append(data)
        if len(calls) == after + 1:
            raise OSError("disk full")
        written.append(data)

    return write


@pytest.mark.parametrize("num_pieces", [3, 50])
def test_after_a_failure_nothing_more_is_written_and_it_is_raised(num_pieces: int) -> None:
    written: list[bytes] = []

    with pytest.raises(OSError, match="disk full"), WriteBehind(failing(2, written)) as behind:
        for number in range(num_pieces):
            behind.put(bytes([number]))

    assert written == [b"\0", b"\1"]


def test_no_more_pieces_wait_than_it_says() -> None:
    may_write = threading.Event()
    taken: list[int] = []
    with WriteBehind(lambda _: may_write.wait() or None) as behind:

        def fill() -> None:
            for number in range(MAX_WAITING + 5):
                behind.put(b"x")
                taken.append(number)

        filler = threading.Thread(target=fill)
        filler.start()
        filler.join(0.2)
        num_taken = len(taken)
        may_write.set()
        filler.join()

    assert num_taken <= MAX_WAITING + 1


def test_the_callers_own_error_comes_through() -> None:
    with pytest.raises(ValueError, match="mine"), WriteBehind(lambda _: None):
        raise ValueError("mine")
