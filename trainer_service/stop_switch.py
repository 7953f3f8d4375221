"""What a worker is asked to do, for long work to look at between steps: a signal or a file sets it.

Whoever is told to cancel goes at once. Who pauses or is preempted saves first where something would
be lost: the loop asks `train/saver.py`, which asks here.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from trainer_service.jobs import Cancelled, LastWord, Paused, Preempted

GRACE_SHARE = 0.6
"""A preempted worker saves only if that takes less than this share of the time it has left: disks
are slower than usual when everybody leaves. Source: research/trainer.md, section 4.
"""


class StopRequested(Exception):
    """Work ended early because it was asked to. Not a failure."""

    def __init__(self, word: LastWord | None = None) -> None:
        super().__init__("a stop was asked for")
        self.word = word or Cancelled()
        """The worker's last word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request to save and go."""

    is_pause: bool = False
    number: int = 0
    """Of the command; 0 where no command said so."""
    until: float | None = None
    """On the switch's clock; None leaves as much time as it takes."""
    why: str = ""


class StopSwitch:
    """Set from a thread or a signal handler; looked at from anywhere.

    Args:
        looked: called whenever work looks, which shows that it moves.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        looked: Callable[[], None] = lambda: None,
    ) -> None:
        self._clock = clock
        self._looked = looked
        self._cancelled = threading.Event()
        self._pause: Asked | None = None
        self._preempt: Asked | None = None
        self._step = 0
        self._is_training = False
        self.save_s = 0.0
        """How long a save takes, as far as is known."""

    # What the worker is told

    def request(self) -> None:
        """Ask for a stop at the next step; nothing is saved."""
        self._cancelled.set()

    def ask_pause(self, number: int, within_s: float) -> None:
        """Ask to save and go, or to say why that cannot be, within a time; 0 leaves any."""
        self._pause = Asked(is_pause=True, number=number, until=self._until(within_s))

    def withdraw_pause(self, asked: Asked | None = None) -> None:
        """Forget a pause: it was withdrawn, or answered.

        Args:
            asked: only this one; a newer one stays.
        """
        if asked is None or self._pause is asked:
            self._pause = None

    def ask_preempt(self, within_s: float, why: str) -> None:
        """Ask to go, saving where there is time; 0 leaves any. Asking again leaves no more."""
        self._preempt = self._preempt or Asked(until=self._until(within_s), why=why)

    def _until(self, within_s: float) -> float | None:
        return self._clock() + within_s if within_s else None

    # Where the work is

    def begins_at(self, step: int) -> None:
        """Say at which step this attempt begins: going before the first one loses nothing."""
        self._step = step

    def training_begins(self) -> None:
        """Say that from now on going unsaved loses something; who is to pause waits for a save."""
        self._is_training = True

    # What the work asks

    @property
    def asked(self) -> Asked | None:
        """What asks the worker to save and go, if anything does: a pause whose time is not over, or
        else whoever preempts it.
        """
        pause = self._pause
        if pause is None or (pause.until is not None and self._clock() > pause.until):
            return self._preempt
        return pause

    @property
    def has_time_to_save(self) -> bool:
        """Whether a save ends before whoever preempts us loses patience."""
        preempt = self._preempt
        if preempt is None or preempt.until is None:
            return True
        return self.save_s < GRACE_SHARE * (preempt.until - self._clock())

    def check(self) -> None:
        """Return unless it is time to go, now and from here.

        Raises:
            StopRequested: the job is cancelled; or it is to pause or is preempted before its first
                step; or it is preempted and there is no time to save.
        """
        self._looked()
        if self._cancelled.is_set():
            raise StopRequested
        asked = self.asked
        if asked is None:
            return
        if not self._is_training:
            raise StopRequested(word_of(asked, self._step))
        if not self.has_time_to_save:
            raise StopRequested(self.unsaved(asked))

    def unsaved(self, asked: Asked | None) -> LastWord:
        """Return the last word of a worker that has no time to save."""
        problem = f"saving takes about {self.save_s:.1f} s, too long for the time that was left"
        return left_unsaved(asked, problem)


def word_of(asked: Asked | None, step: int) -> LastWord:
    """Return the last word of a worker that goes because it was asked to, and has saved a step."""
    if asked is not None and asked.is_pause:
        return Paused(step=step)
    return Preempted(is_saved=True, message=asked.why if asked else "")


def left_unsaved(asked: Asked | None, problem: str) -> LastWord:
    """Return the last word of a worker that goes and could not save."""
    why = f"{asked.why}; " if asked and asked.why else ""
    return Preempted(is_saved=False, message=f"{why}{problem}")
