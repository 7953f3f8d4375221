"""How a worker hears: a thread looks at `control.json` and `heartbeat` a few times a second, and at
once when a signal comes, and sets the stop switch.

The thread hears a signal while the main one is deep in a library: Python's own handlers run only
when that returns, and the grace of a preempted worker runs from the signal.
"""

import faulthandler
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from trainer_service.jobs import CONTROL_FILE, HEARTBEAT_FILE, Control, read_control
from trainer_service.stop_switch import StopSwitch

LOOK_S = 0.25
"""Between two looks."""
LAST_SHARE = 0.9
"""Of the supervisor's silence again: when this has passed, a worker that could not save and go by
itself ends. At twice the silence another host may begin."""
TERMINATED = "a signal asked the worker to go"

STANDARD_ERROR = 2
"""Goes to `log.txt`; there SIGUSR1 writes the stacks of all threads."""

Clock = Callable[[], float]


class Signals:
    """SIGTERM as bytes that any thread can wait for. Only the main thread can make one."""

    def __init__(self) -> None:
        self._ours, self._pythons = socket.socketpair()
        for end in (self._ours, self._pythons):
            end.setblocking(False)
        self._handler = signal.signal(signal.SIGTERM, lambda *_: None)
        self._wakeup = signal.set_wakeup_fd(self._pythons.fileno(), warn_on_full_buffer=False)
        faulthandler.register(signal.SIGUSR1, file=STANDARD_ERROR, all_threads=True)

    def wait(self, seconds: float) -> bool:
        """Return whether SIGTERM came, as soon as it comes; else after some time."""
        ready, _, _ = select.select([self._ours], [], [], seconds)
        return bool(ready) and signal.SIGTERM in self._ours.recv(4096)

    def wake(self) -> None:
        """Let a thread that waits look up."""
        with suppress(OSError):
            self._pythons.send(b"\0")

    def close(self) -> None:
        """Give back the handlers that were there before."""
        faulthandler.unregister(signal.SIGUSR1)
        signal.set_wakeup_fd(self._wakeup)
        signal.signal(signal.SIGTERM, self._handler)
        self._ours.close()
        self._pythons.close()


def die() -> None:
    """End this process, whatever it is doing."""
    os.kill(os.getpid(), signal.SIGKILL)


class Listener:
    """Looks at what an attempt's worker is told.

    Args:
        folder: of the attempt.
        grace_s: how long the worker has when a signal tells it to go.
        silence_s: the worker saves and goes when nothing was heard of the supervisor for so long; 0
            waits for ever.
        last: what to do with a worker that is still here much later.
    """

    def __init__(
        self,
        folder: Path,
        stop: StopSwitch,
        *,
        grace_s: float,
        silence_s: float = 0.0,
        clock: Clock = time.monotonic,
        last: Callable[[], None] = die,
    ) -> None:
        self._folder = folder
        self._stop = stop
        self._grace_s = grace_s
        self._silence_s = silence_s
        self._clock = clock
        self._last = last
        self._control = Control()
        self._control_stamp: tuple[int, int] | None = None
        self._heartbeat_stamp: tuple[int, int] | None = None
        self._heard_at = clock()

    def look(self, *, is_terminated: bool = False) -> None:
        """Pass on what is new.

        Args:
            is_terminated: SIGTERM came: to go, unless `control.json` says more.
        """
        self._look_at_control()
        if is_terminated and self._control.command != "cancel":
            self._stop.ask_preempt(self._grace_s, TERMINATED)
        if self._silence_s:
            self._look_at_heartbeat()

    def _look_at_control(self) -> None:
        stamp = _stamp(self._folder / CONTROL_FILE)
        if stamp is None or stamp == self._control_stamp:
            return
        try:
            control = read_control(self._folder)
        except OSError:
            return  # a shared disk that is away for a moment: the next look reads it
        self._control_stamp = stamp
        if control.number <= self._control.number:
            return
        self._control = control
        match control.command:
            case "go_on":
                self._stop.withdraw_pause()
            case "pause":
                self._stop.ask_pause(control.number, control.within_s)
            case "preempt":
                self._stop.ask_preempt(control.within_s, "the trainer asked the worker to go")
            case "cancel":
                self._stop.request()

    def _look_at_heartbeat(self) -> None:
        """Hear the supervisor in a change of the file, timed by our own clock: hosts' clocks, and a
        shared disk's, differ.
        """
        stamp = _stamp(self._folder / HEARTBEAT_FILE)
        if stamp is not None and stamp != self._heartbeat_stamp:
            self._heartbeat_stamp = stamp
            self._heard_at = self._clock()
            return
        silent_s = self._clock() - self._heard_at
        if silent_s >= self._silence_s * (1 + LAST_SHARE):
            self._last()
        elif silent_s >= self._silence_s:
            why = f"nothing was heard of the supervisor for {silent_s:.0f} s"
            self._stop.ask_preempt(self._silence_s * LAST_SHARE, why)


def _stamp(path: Path) -> tuple[int, int] | None:
    """Return what changes when a file is written, replaced or touched; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


@contextmanager
def listening(listener: Listener, signals: Signals) -> Iterator[None]:
    """Let the listener look, from a thread of its own, for the length of a block."""
    is_over = threading.Event()
    listener.look()  # at what was asked before anybody was here to hear it

    def listen() -> None:
        while not is_over.is_set():
            listener.look(is_terminated=signals.wait(LOOK_S))

    thread = threading.Thread(target=listen, name="listener", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        signals.wake()
        thread.join()
