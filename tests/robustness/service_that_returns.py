"""A real service that ends and comes back where it was, and callers who should not notice.

with returning(start) as service, calling(callers) as load:
    service.restart()
"""

import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.fakes.ports import free_port
from tests.services import Service, start_service

GIVE_UP_S = 280
BREATH_S = 0.005
"""Between two calls of a caller: a restart gets some of the processor, too."""


@dataclass(slots=True, kw_only=True)
class ReturningService:
    """A service of one home and one port, and how its processes ended."""

    module: str
    home: Path
    variables: Mapping[str, str]
    service: Service = field(init=False)
    exits: list[tuple[int, float]] = field(default_factory=list)
    """Of each process that was told to go: its status, and after how many seconds."""

    def __post_init__(self) -> None:
        name = self.module.removesuffix("_service").upper()
        port = {f"VERTEBRA_{name}_LISTEN": f"127.0.0.1:{free_port()}"}
        self.variables = {**port, **self.variables}
        self.start()

    @property
    def address(self) -> str:
        """The same before and after."""
        return self.service.address

    def start(self) -> None:
        """Come back."""
        self.service = start_service(self.module, self.home, self.variables)

    def leave(self) -> None:
        """End as an orchestrator asks for it."""
        began = time.monotonic()
        status = self.service.stop()
        self.exits.append((status, time.monotonic() - began))

    def restart(self) -> None:
        """End in order, and come back."""
        self.leave()
        self.start()

    def crash(self) -> None:
        """End as a power cut would, and come back."""
        self.service.kill()
        self.start()


@contextmanager
def returning(module: str, home: Path, **variables: str) -> Iterator[ReturningService]:
    """Run a service that can be restarted."""
    service = ReturningService(module=module, home=home, variables=variables)
    try:
        yield service
    finally:
        service.service.process.send_signal(signal.SIGKILL)
        service.service.process.wait()


class Load:
    """Callers, each on a thread of its own, again and again until the block ends."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.failures: list[str] = []
        self._is_over = threading.Event()
        self._changed = threading.Condition()

    def repeat(self, name: str, call: Callable[[], object]) -> None:
        """Call until the end; count what was answered, note what was not."""
        while not self._is_over.is_set():
            try:
                call()
            except Exception as failure:  # whatever it is, the test tells it
                with self._changed:
                    self.failures.append(f"{name}: {failure!r}")
                    self._changed.notify_all()
                self._is_over.wait(0.1)
                continue
            with self._changed:
                self.calls[name] += 1
                self._changed.notify_all()
            self._is_over.wait(BREATH_S)

    def until_all_answered(self, names: list[str], num_calls: int) -> None:
        """Return when every caller was answered so many times more; a failure ends the wait."""
        before = Counter(self.calls)
        with self._changed:
            assert self._changed.wait_for(
                lambda: (
                    self.failures
                    or all(self.calls[one] >= before[one] + num_calls for one in names)
                ),
                GIVE_UP_S,
            ), {one: self.calls[one] - before[one] for one in names}
        assert self.failures == [], self.failures[:5]

    def end(self) -> None:
        """Let nobody begin another call."""
        self._is_over.set()


@contextmanager
def calling(callers: Mapping[str, Callable[[], object]]) -> Iterator[Load]:
    """Have all of them call for the length of a block."""
    load = Load()
    threads = [threading.Thread(target=load.repeat, args=caller) for caller in callers.items()]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.end()
        for thread in threads:
            thread.join(GIVE_UP_S)
