"""When training is saved, and who waits for that. What is saved, and how, is not for this room."""

import time
import traceback
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Literal, Protocol

from catalog_service.blobs.disk import DiskFull
from catalog_service.errors import VertebraError
from trainer_service.errors import is_out_of_room
from trainer_service.jobs import SnapshotFailed, SnapshotRef, SnapshotTaken
from trainer_service.plan.snapshot_interval import is_due
from trainer_service.stop_switch import (
    Asked,
    StopRequested,
    StopSwitch,
    left_unsaved,
    word_of,
)

Clock = Callable[[], float]
Decision = Literal["go_on", "save", "leave"]

WriteSnapshot = Callable[[], SnapshotRef]
"""Writes where training is to the disk, and returns only when that is whole and was read back."""

SaveEvents = Generator[SnapshotTaken | SnapshotFailed, None, None]


class Saver(Protocol):
    """Asked by the loop wherever training can be saved."""

    def begin(self, step: int) -> None:
        """Say that training begins after so many steps, all of them saved: 0, or a snapshot's."""
        ...

    def due(self, step: int, *, ahead_s: float = 0.0) -> bool:
        """Whether to save now, after `step` steps. The loop asks between the steps of an epoch, and
        when an epoch is over with all that belongs to it.

        Args:
            ahead_s: the expected time of a validation that follows the next step.

        Raises:
            StopRequested: the worker was asked to go, and this step is saved, or cannot be in time.
        """
        ...

    def save(self, step: int, write: WriteSnapshot) -> SaveEvents:
        """Save, and say how that went. What fails here fails no training.

        Raises:
            StopRequested: afterwards, when it was told: the worker was asked to go.
        """
        ...


class NoSaver:
    """For training that nobody goes on with: nothing is ever due."""

    def begin(self, step: int) -> None:
        """Nothing to remember."""

    def due(self, step: int, *, ahead_s: float = 0.0) -> bool:
        """Never."""
        return False

    def save(self, step: int, write: WriteSnapshot) -> SaveEvents:
        """Save nothing."""
        yield from ()


NO_SAVER = NoSaver()


class TimedSaver:
    """Saves every so often, and when somebody asks the worker to go.

    Args:
        stop: says who is to pause or to go.
        wished_interval_s: of the spec; 0 leaves it to how long saving takes.
        estimated_save_s: until a save was measured.
        agree: makes all ranks do what the first one decides.
    """

    def __init__(
        self,
        stop: StopSwitch,
        *,
        wished_interval_s: float = 0.0,
        estimated_save_s: float = 0.0,
        agree: Callable[[Decision], Decision] = lambda decision: decision,
        clock: Clock = time.monotonic,
    ) -> None:
        self._stop = stop
        self._wished_interval_s = wished_interval_s
        self._agree = agree
        self._clock = clock
        self._stop.save_s = estimated_save_s
        self._since = clock()
        self._saved_step = 0

    def begin(self, step: int) -> None:
        """Say where training begins."""
        self._saved_step = step
        self._since = self._clock()
        self._stop.begins_at(step)
        self._stop.training_begins()

    def due(self, step: int, *, ahead_s: float = 0.0) -> bool:
        """Whether to save now, or to go: see `Saver`."""
        asked = self._stop.asked
        decision = self._agree(self._decide(step, asked, ahead_s))
        if decision == "leave":
            is_saved = step == self._saved_step
            raise StopRequested(word_of(asked, step) if is_saved else self._stop.unsaved(asked))
        return decision == "save"

    def _decide(self, step: int, asked: Asked | None, ahead_s: float) -> Decision:
        is_new = step != self._saved_step
        if asked is not None:
            return "save" if is_new and self._stop.has_time_to_save else "leave"
        since_s = self._clock() - self._since
        is_time = is_due(since_s, self._stop.save_s, self._wished_interval_s, ahead_s=ahead_s)
        return "save" if is_new and is_time else "go_on"

    def save(self, step: int, write: WriteSnapshot) -> SaveEvents:
        """Save, and go if the worker was asked to: see `Saver`."""
        asked, began = self._stop.asked, self._clock()
        try:
            snapshot = write()
        except StopRequested:
            raise
        except Exception as error:
            traceback.print_exc()
            # What fails slowly is tried as rarely as what succeeds slowly.
            self._stop.save_s = max(self._stop.save_s, self._clock() - began)
            failed = failure_to_save(error, asked.number if asked else 0)
            yield failed
            self._leave_unsaved(asked, failed)
        else:
            self._saved_step = step
            self._stop.save_s = self._clock() - began
            yield SnapshotTaken(snapshot=replace(snapshot, save_s=self._stop.save_s))
            if (now_asked := self._stop.asked) is not None:
                raise StopRequested(word_of(now_asked, step))
        self._since = self._clock()

    def _leave_unsaved(self, asked: Asked | None, failed: SnapshotFailed) -> None:
        """Go, if the worker cannot stay; who was to pause has answered that it cannot."""
        if asked is not None and asked.is_pause:
            self._stop.withdraw_pause(asked)
        if (now_asked := self._stop.asked) is not None and not now_asked.is_pause:
            raise StopRequested(left_unsaved(now_asked, failed.message))


def failure_to_save(error: Exception, control_number: int) -> SnapshotFailed:
    """Return what to tell people of a save that failed."""
    if isinstance(error, VertebraError):
        reason, message = error.error_reason, error.message
    elif is_out_of_room(error):
        reason, message = DiskFull.reason, f"no room to save a snapshot: {error}"
    else:
        reason = "SNAPSHOT_FAILED"
        message = f"{type(error).__name__} while saving; the attempt's log.txt has the details"
    return SnapshotFailed(reason=reason, message=message, control_number=control_number)
