"""Of all stacks that a hung worker prints, those of threads at work are told, innermost first."""

import faulthandler
import queue
import tempfile
import threading

from trainer_service.supervisor.stacks import MAX_CHARS, shortened_stacks


def printed_here():
    with tempfile.TemporaryFile("w+") as file:
        faulthandler.dump_traceback(file, all_threads=True)
        file.seek(0)
        return file.read()


def test_the_main_thread_is_named_with_file_line_and_function():
    told = shortened_stacks(printed_here())

    assert told.startswith("test_stacks.py:")
    assert " printed_here < test_stacks.py:" in told
    assert "/" not in told, "paths of the host are for the log"


def test_threads_that_wait_for_work_are_left_out():
    thread = threading.Thread(target=queue.Queue().get, daemon=True)
    thread.start()

    told = shortened_stacks(printed_here())

    assert "queue.py" not in told
    assert "printed_here" in told


def test_where_all_threads_wait_they_are_told():
    waits = 'Thread 0x7f (most recent call first):\n  File "/p/threading.py", line 327 in wait\n'

    assert shortened_stacks(waits) == "threading.py:327 wait"


def test_deep_stacks_of_many_threads_stay_short():
    frames = "".join(f'  File "/x/{"y" * 90}.py", line {n} in f\n' for n in range(50))
    printed = "\n".join(f"Thread 0x{n:x} (most recent call first):\n{frames}" for n in range(40))

    assert 0 < len(shortened_stacks(printed)) <= MAX_CHARS


def test_a_log_without_stacks_gives_nothing():
    assert shortened_stacks("epoch 3\nwarming up\n") == ""
