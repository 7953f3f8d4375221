"""How a training outlives its process."""

from collections.abc import Callable, Generator
from dataclasses import dataclass

from trainer_service.jobs import SnapshotFailed, SnapshotRef, SnapshotTaken
from trainer_service.snapshots.saved_state import SavedState
from trainer_service.train.saver import NO_SAVER, Saver

Write = Callable[[SavedState], SnapshotRef]
"""Returns when the state is on disk and was read back."""


@dataclass(slots=True, kw_only=True)
class Keeping:
    """When a training is saved, how, and what it goes on from."""

    saver: Saver = NO_SAVER
    """Says when."""
    write: Write | None = None
    """Comes with a saver that ever says so."""
    saved: SavedState | None = None
    """Put back into the training already; None begins at the start. The loop lets go of it once it
    is there: its files could otherwise not be freed.
    """

    def begin(self, step: int) -> None:
        """Say that training begins after so many steps."""
        self.saver.begin(step)

    def due(self, step: int, *, ahead_s: float = 0.0) -> bool:
        """Whether to save now. Asked between the steps of an epoch, and when one is over with all
        that belongs to it.

        Args:
            ahead_s: the expected time of a validation that follows the next step.

        Raises:
            StopRequested: training ends here, without another save.
        """
        return self.saver.due(step, ahead_s=ahead_s)

    def save(self, state: SavedState) -> Generator[SnapshotTaken | SnapshotFailed, None, None]:
        """Save, and say how that went.

        Raises:
            StopRequested: training ends here.
        """
        write = self.write
        assert write is not None, "nobody said where to save"
        yield from self.saver.save(state.progress.step, lambda: write(state))
