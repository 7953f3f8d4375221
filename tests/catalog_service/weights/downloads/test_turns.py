"""One holder of a turn, over threads and processes; the dead and the silent are replaced."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from catalog_service.weights.downloads.lease import Holder, LeaseFolder
from catalog_service.weights.downloads.owner import this_process
from catalog_service.weights.downloads.turns import GivenUp, Turns
from catalog_service.weights.progress import Progress

PATIENCE_S = 60.0
FOREVER_S = 1000.0
"""A heartbeat so long that no test sees two of them."""

PROGRAM = """
import sys, threading, time
from pathlib import Path
from catalog_service.weights.downloads.turns import Turns
from catalog_service.weights.progress import Progress

folder, heartbeat_s = Path(sys.argv[1]), float(sys.argv[2])
turns = Turns(folder / "turns", heartbeat_s=heartbeat_s)
"""

HOLD = """
with turns.turn("resnet50") as turn:
    turn.note(Progress(step="downloading", text="resnet50.pth", bytes_done=5, bytes_total=9))
    time.sleep(heartbeat_s / 4)
    (folder / "held").touch()
    time.sleep(1000)
"""

WORK = """
def work(number):
    for _ in range(3):
        with turns.turn("resnet50"):
            (folder / "busy").touch(exist_ok=False)
            time.sleep(0.001)
            (folder / "busy").unlink()
            with (folder / "done").open("a") as file:
                file.write(".")
threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def start(folder: Path, program: str, heartbeat_s: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM + program, str(folder), str(heartbeat_s)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.PIPE,
        text=True,
    )


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def holder(tmp_path):
    """A process that holds the turn and never gives it back."""
    children = []

    def begin(heartbeat_s: float = FOREVER_S) -> subprocess.Popen[str]:
        child = start(tmp_path, HOLD.replace("heartbeat_s / 4", "0.3"), heartbeat_s)
        children.append(child)
        until((tmp_path / "held").exists)
        return child

    yield begin
    for child in children:
        with suppress(ProcessLookupError):
            child.kill()
        child.wait()
        child.stderr.close()


def test_one_holds_the_turn_over_threads_and_processes(tmp_path):
    children = [start(tmp_path, WORK, FOREVER_S) for _ in range(4)]

    errors = [child.communicate(timeout=PATIENCE_S)[1] for child in children]

    assert errors == ["", "", "", ""]
    assert (tmp_path / "done").read_text() == "." * 4 * 4 * 3


def test_other_keys_do_not_wait_for_each_other(tmp_path):
    turns = Turns(tmp_path)

    with turns.turn("resnet50"), turns.turn("resnet101") as turn:
        assert turn.key == "resnet101"


def test_a_killed_holder_is_replaced_at_once(tmp_path, holder):
    """At once: the heartbeat is so long that silence alone would take half an hour."""
    child = holder(FOREVER_S)
    child.kill()

    with Turns(tmp_path / "turns", heartbeat_s=FOREVER_S).turn("resnet50") as turn:
        assert turn.owner == this_process()


def test_a_killed_holder_is_dead_before_its_parent_has_asked(tmp_path, holder):
    child = holder()
    owner = LeaseFolder(next((tmp_path / "turns").iterdir())).current().holder.owner
    before = owner.is_dead
    child.kill()
    until(lambda: "Z" in Path(f"/proc/{child.pid}/stat").read_text())

    assert (owner.pid, before, owner.is_dead) == (child.pid, False, True)


def test_a_silent_holder_is_replaced(tmp_path, holder):
    child = holder(0.5)
    child.send_signal(signal.SIGSTOP)

    with Turns(tmp_path / "turns", heartbeat_s=0.5).turn("resnet50") as turn:
        assert turn.owner.pid == os.getpid()


def test_a_holder_that_was_replaced_does_not_disturb_the_next(tmp_path, holder):
    child = holder(0.5)
    child.send_signal(signal.SIGSTOP)
    turns = Turns(tmp_path / "turns", heartbeat_s=0.5)
    with turns.turn("resnet50") as turn:
        child.send_signal(signal.SIGCONT)
        time.sleep(0.5)

        assert turn.keep(1000)


def test_a_holder_that_lives_is_waited_for(tmp_path, holder):
    holder(2.0)
    begun = time.monotonic()

    with (
        pytest.raises(GivenUp),
        Turns(tmp_path / "turns", heartbeat_s=2.0).turn(
            "resnet50", give_up=lambda: time.monotonic() - begun > 5.0
        ),
    ):
        pytest.fail("two hold the turn")


def test_who_waits_sees_the_holder_and_how_far_it_is(tmp_path, holder):
    child = holder(1.0)
    seen = []

    with (
        pytest.raises(GivenUp),
        Turns(tmp_path / "turns", heartbeat_s=FOREVER_S).turn(
            "resnet50", waiting=seen.append, give_up=lambda: any(one.progress for one in seen)
        ),
    ):
        pytest.fail("two hold the turn")

    report = seen[-1].report()
    assert (report.step, report.bytes_done, report.bytes_total) == ("waiting", 5, 9)
    assert f"process {child.pid} on " in report.text and "resnet50.pth" in report.text


def test_a_thread_that_waits_for_one_of_its_own_process_can_give_up(tmp_path):
    turns, seen = Turns(tmp_path), []

    def wait() -> None:
        with pytest.raises(GivenUp), turns.turn("resnet50", give_up=lambda: True):
            pytest.fail("two hold the turn")
        seen.append("gave up")

    with turns.turn("resnet50"):
        thread = threading.Thread(target=wait)
        thread.start()
        thread.join(PATIENCE_S)

    assert seen == ["gave up"]


def test_a_turn_ends_with_the_error_of_its_holder(tmp_path):
    turns = Turns(tmp_path)
    with pytest.raises(RuntimeError, match="mine"), turns.turn("resnet50"):
        raise RuntimeError("mine")

    with turns.turn("resnet50", give_up=lambda: False) as turn:
        assert turn.key == "resnet50"


def test_a_lease_that_was_judged_long_ago_cannot_be_taken(tmp_path):
    """Both saw the dead one's lease; the second comes when others have come and gone."""
    leases = LeaseFolder(tmp_path / "leases")
    judged = leases.current()
    for _ in range(3):
        assert leases.take(leases.current()) is not None

    assert leases.take(judged) is None
    assert leases.current().number == 3


def test_of_two_who_take_a_lease_one_has_it(tmp_path):
    leases = LeaseFolder(tmp_path / "leases")
    judged = leases.current()

    assert [leases.take(judged) is not None for _ in range(2)] == [True, False]


def test_a_process_is_known_by_more_than_its_number():
    here = this_process()
    before = replace(here, start_ticks=here.start_ticks - 1)
    elsewhere = replace(before, realm="another boot")

    assert (here.is_dead, before.is_dead, elsewhere.is_dead) == (False, True, False)


def test_a_process_of_somebody_else_is_not_dead():
    """The first of all; it may not be ours to ask."""
    first = replace(this_process(), pid=1, start_ticks=stat_of(1))

    assert not first.is_dead


def stat_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def without_links(draft: Path, path: Path) -> None:
    raise OSError(errno.EPERM, "Operation not permitted")


def test_leases_work_where_a_disk_has_no_links(tmp_path):
    leases = LeaseFolder(tmp_path / "leases", link=without_links)
    judged = leases.current()
    taken = [leases.take(judged) for _ in range(2)]

    assert [lease is not None for lease in taken] == [True, False]
    assert leases.current() == taken[0]


def test_a_lease_that_is_being_written_is_held(tmp_path):
    leases = LeaseFolder(tmp_path / "leases")
    leases.take(leases.current())
    leases.current().path.write_bytes(b"")

    assert leases.current().holder is not None and not leases.current().holder.owner.is_dead


def test_progress_is_told_in_the_words_of_the_holder():
    holder = Holder(
        owner=this_process(),
        nonce="a",
        progress=Progress(step="downloading", text="x.pth", location="mirror m", bytes_per_s=3.0),
    )

    assert holder.report().location == "mirror m"
    assert holder.report().bytes_per_s == 3.0
