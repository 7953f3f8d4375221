"""Process 1: keeps one program running, reaps orphans, and ends everything in bounded time."""

import json
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from trainer_service.container import family
from trainer_service.container.pulse import Pulse, PulseTiming
from trainer_service.container.restarts import GiveUp, Policy, status_of, what_follows

STOPPING = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})
"""Ask for the end of the container. The first is passed on as SIGTERM; so is each that follows."""
PASSED_ON = frozenset({signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2})
"""For the program, whatever they mean there."""
HEARD = STOPPING | PASSED_ON | {signal.SIGCHLD}
TICK_S = 0.5
NOT_STARTED = 127
"""As shells say it."""
KILLED_S = 5.0
"""What waits for a disk outlives SIGKILL for a while; the kernel ends it with process 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What is kept running, and how long everything may take."""

    command: Sequence[str]
    live_url: str = ""
    """Answers 200 while the program is well; empty: nobody asks."""
    grace_s: float = 90.0
    """What the program has to stop when it is told to."""
    others_grace_s: float = 30.0
    """What is then left, workers of jobs above all, has to save and go."""
    policy: Policy = field(default_factory=Policy)
    pulse: PulseTiming = field(default_factory=PulseTiming)


class FirstProcess:
    """Runs until it is told to stop, or until the program cannot be kept running."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._pulse = Pulse(orders.live_url, orders.pulse)
        self._pid = 0
        self._started_at = 0.0
        self._start_at = 0.0
        self._num_quick_ends = 0
        self._exit_code: int | None = None
        """Of the container; None while it runs."""
        self._is_stopping = False
        self._kill_at = 0.0

    def run(self) -> int:
        """Keep the program running; return the exit status of the container."""
        family.adopt_orphans()
        signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
        while self._exit_code is None:
            self._tick()
            self._hear(signal.sigtimedwait(HEARD, TICK_S))
            self._reap()
        self._end_others()
        return self._exit_code

    def _tick(self) -> None:
        now = time.monotonic()
        if self._is_stopping:
            if self._pid and now > self._kill_at:
                say("the program did not stop in time and is killed", pid=self._pid)
                family.send([self._pid], signal.SIGKILL)
        elif not self._pid and now >= self._start_at:
            self._start()
        elif self._pid and self._pulse.is_silent():
            say("the program does not answer its probe and is killed", pid=self._pid)
            self._pulse.started()
            family.send([self._pid], signal.SIGKILL)

    def _start(self) -> None:
        is_first = not self._started_at
        self._started_at = time.monotonic()
        try:
            self._pid = family.start(self._orders.command, HEARD)
        except OSError as error:
            say(f"cannot start {self._orders.command[0]!r}: {error.strerror}")
            if is_first:
                self._exit_code = NOT_STARTED
            else:  # it could be started before: memory or process ids are short now
                self._ended(NOT_STARTED)
            return
        self._pulse.started()
        say("started", pid=self._pid)

    def _hear(self, heard: signal.struct_siginfo | None) -> None:
        number = signal.Signals(heard.si_signo) if heard else signal.SIGCHLD
        if number in PASSED_ON:
            family.send([self._pid] if self._pid else [], number)
        elif number in STOPPING:
            self._stop()

    def _stop(self) -> None:
        if not self._is_stopping:
            self._is_stopping = True
            self._kill_at = time.monotonic() + self._orders.grace_s
        if self._pid:
            family.send([self._pid], signal.SIGTERM)
        else:
            self._exit_code = 0

    def _reap(self) -> None:
        for pid, exit_code in family.reap():
            if pid == self._pid:
                self._pid = 0
                self._ended(exit_code)

    def _ended(self, exit_code: int) -> None:
        if self._is_stopping:
            self._exit_code = status_of(exit_code)
            return
        next_step = what_follows(
            exit_code,
            lived_s=time.monotonic() - self._started_at,
            num_quick_ends=self._num_quick_ends,
            has_others=bool(family.descendants()),
            policy=self._orders.policy,
        )
        if isinstance(next_step, GiveUp):
            say("the program ends again and again; so does the container", status=exit_code)
            self._exit_code = next_step.exit_code
            return
        say("the program ended and is started again", status=exit_code, wait_s=next_step.wait_s)
        self._num_quick_ends = next_step.num_quick_ends
        self._start_at = time.monotonic() + next_step.wait_s

    def _end_others(self) -> None:
        """Tell everything that is left to go, wait for it within its time, then kill it."""
        others = family.descendants()
        if not others:
            return
        say("telling what is left to go", num_processes=len(others))
        family.send(others, signal.SIGTERM)
        if self._are_gone_within(self._orders.others_grace_s):
            return
        others = family.descendants()
        say("killing what did not go", num_processes=len(others))
        family.send(others, signal.SIGKILL)
        self._are_gone_within(KILLED_S)

    def _are_gone_within(self, seconds: float) -> bool:
        """Return whether nothing is left in time; one who asks us to stop again hurries."""
        deadline = time.monotonic() + seconds
        while self._left():
            if time.monotonic() > deadline:
                return False
            heard = signal.sigtimedwait(HEARD, TICK_S / 5)
            if heard is not None and heard.si_signo in STOPPING:
                deadline = 0.0
        return True

    def _left(self) -> list[int]:
        for _ in family.reap():
            pass
        return family.descendants()


def say(message: str, **facts: object) -> None:
    """Write a line as the services do."""
    line = {
        "time": time.strftime("%Y-%m-%d %H:%M:%S"),
        "level": "INFO",
        "logger": __name__,
        "message": message,
        **facts,
    }
    sys.stderr.write(json.dumps(line) + "\n")
    sys.stderr.flush()
