"""How a training outlives its process."""

from collections.abc import Callable, Generator
from dataclasses import dataclass

from trainer_service.jobs import SnapshotFailed, SnapshotRef, SnapshotTaken
from trainer_service.snapshots.saved_state import SavedState
from trainer_service.train.saver import Saver

Write = Callable[[SavedState], SnapshotRef]
"""Returns when the state is on disk and was read back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """When a training is saved, how, and what it goes on from."""

    saver: Saver | None = None
    """Says when; None never does."""
    write: Write | None = None
    """Comes with a saver."""
    saved: SavedState | None = None
    """Put back into the training already; None begins at the start."""

    def begin(self, step: int) -> None:
        """Say that training begins after so many steps."""
        if self.saver is not None:
            self.saver.begin(step)

    def due(self, step: int) -> bool:
        """Whether to save now. Asked between the steps of an epoch, and when one is over with all
        that belongs to it.

        Raises:
            StopRequested: training ends here, without another save.
        """
        return self.saver is not None and self.saver.due(step)

    def save(self, state: SavedState) -> Generator[SnapshotTaken | SnapshotFailed, None, None]:
        """Save, and say how that went.

        Raises:
            StopRequested: training ends here.
        """
        saver, write = self.saver, self.write
        assert saver is not None and write is not None, "nobody said when or where to save"
        yield from saver.save(state.progress.step, lambda: write(state))


NOT_KEPT = Keeping()
"""For a training that nobody needs to go on."""
