"""Whose turn it is to fetch something: one holder for a key, over all threads and processes.

A holder that died on this host is replaced at once. One that shows no sign of life for two
heartbeats is replaced too, but may live on: nothing that it writes may be shared with it.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from catalog_service.errors import Unavailable
from catalog_service.weights.downloads.disk_room import naming_refusals
from catalog_service.weights.downloads.lease import (
    Holder,
    Lease,
    LeaseFolder,
    give_back,
    renew,
)
from catalog_service.weights.progress import Progress

HEARTBEAT_S = 5.0
"""A process on a busy machine is held up for seconds; taking its turn costs another transfer."""

BEATS_A_HEARTBEAT = 8
"""How often a holder shows itself, so that a late beat is not a missing one."""

POLL_S = 0.05
TELL_EVERY_S = 0.2

Waiting = Callable[[Holder], None]
"""Takes who is waited for; called at most five times a second."""


class GivenUp(Unavailable):
    """Nobody waits for the turn any more; nothing was done."""


class Turn:
    """The right to fetch one thing, while the `with` block of `Turns.turn` lasts."""

    def __init__(self, key: str, lease: Lease) -> None:
        assert lease.holder is not None
        self.key = key
        self.owner = lease.holder.owner
        self.nonce = lease.holder.nonce
        """Names files that nobody else writes."""
        self._lease = lease
        self._progress: Progress | None = None

    def note(self, progress: Progress) -> None:
        """Show those who wait in other processes how far it is."""
        self._progress = progress

    def keep(self, beat: int) -> bool:
        """Renew the lease; return False once it is lost."""
        with suppress(OSError):  # no room for a beat: at worst we are taken for silent
            return renew(self._lease, self._progress, beat)
        return True


class Turns:
    """Hands out turns.

    Args:
        folder: of the leases; shared by all processes that share the store. Made when needed.
        heartbeat_s: a holder that shows nothing for two of them is replaced.
    """

    def __init__(self, folder: Path, *, heartbeat_s: float = HEARTBEAT_S) -> None:
        self._folder = folder
        self._heartbeat_s = heartbeat_s
        self._guard = threading.Lock()
        self._queues: dict[str, threading.Lock] = {}

    @contextmanager
    def turn(
        self,
        key: str,
        *,
        waiting: Waiting = lambda _: None,
        give_up: Callable[[], bool] = lambda: False,
    ) -> Iterator[Turn]:
        """Wait for the turn and hold it. Look again whether the work is still to be done.

        Args:
            key: what is fetched.
            waiting: told who has it meanwhile, and how far that is.
            give_up: whether nobody waits any more; asked while waiting, never while holding.

        Raises:
            GivenUp: `give_up` said so before the turn came.
            CacheReadOnly: the folder of the leases cannot be written.
            DiskFull: no room for a lease.
        """
        leases = LeaseFolder(self._folder / sha256(key.encode()).hexdigest())
        patience = _Patience(leases, waiting, give_up, silence_s=2 * self._heartbeat_s)
        with self._alone_here(key, patience):
            turn = Turn(key, patience.until_ours())
            with self._beating(turn):
                yield turn

    @contextmanager
    def _alone_here(self, key: str, patience: "_Patience") -> Iterator[None]:
        """One thread of a process at a time asks for a lease: handing over costs nothing then."""
        with self._guard:
            queue = self._queues.setdefault(key, threading.Lock())
        while not queue.acquire(timeout=POLL_S):
            patience.look()
        try:
            yield
        finally:
            queue.release()

    @contextmanager
    def _beating(self, turn: Turn) -> Iterator[None]:
        is_over = threading.Event()

        def beat() -> None:
            number = 1
            while not is_over.wait(self._heartbeat_s / BEATS_A_HEARTBEAT) and turn.keep(number):
                number += 1

        thread = threading.Thread(target=beat, name="turn", daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()
            with suppress(OSError):  # then we are found silent, or dead
                give_back(turn._lease)


class _Patience:
    """One caller's wait for a lease."""

    def __init__(
        self,
        leases: LeaseFolder,
        waiting: Waiting,
        give_up: Callable[[], bool],
        *,
        silence_s: float,
    ) -> None:
        self._leases = leases
        self._waiting = waiting
        self._give_up = give_up
        self._silence_s = silence_s
        self._seen: tuple[str, int] | None = None
        self._seen_at = 0.0
        self._told_at = -TELL_EVERY_S

    def until_ours(self) -> Lease:
        """Return a lease that is ours."""
        while True:
            found = self.look()
            is_free = found.holder is None or found.holder.owner.is_dead or self._is_silent(found)
            if not is_free:
                time.sleep(POLL_S)
            elif (lease := self._take(found)) is not None:
                return lease

    def _take(self, found: Lease) -> Lease | None:
        with naming_refusals(self._leases.folder):
            return self._leases.take(found)

    def look(self) -> Lease:
        """Return the lease as it is now, and tell about its holder."""
        if self._give_up():
            raise GivenUp("nobody waits any more; nothing was fetched")
        found, now = self._leases.current(), time.monotonic()
        if found.holder is not None and now - self._told_at >= TELL_EVERY_S:
            self._told_at = now
            self._waiting(found.holder)
        return found

    def _is_silent(self, found: Lease) -> bool:
        """Whether the holder has shown nothing for too long, by our own clock."""
        assert found.holder is not None
        sign, now = (found.holder.nonce, found.holder.beat), time.monotonic()
        if sign != self._seen:
            self._seen, self._seen_at = sign, now
        return now - self._seen_at > self._silence_s
