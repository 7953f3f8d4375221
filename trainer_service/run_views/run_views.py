"""The views of one run: fed with its events, finished before its export."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from catalog_service.models.plain_json import JsonObject, from_plain, to_plain
from trainer_service.jobs import EpochMetrics, JobEvent, JobWarning, StepMetrics
from trainer_service.jobs.exports import ExportFileKind
from trainer_service.run_views.curves import draw_curves
from trainer_service.run_views.history import History, SavedHistory
from trainer_service.run_views.metrics_csv import write_metrics_csv
from trainer_service.run_views.tensorboard_file import TensorboardFile

CSV, PNG, TENSORBOARD = "metrics.csv", "curves.png", "events.out.tfevents.0.run"

FLUSH_INTERVAL_S = 2.0
"""A flush waits for the disk; epochs on kept features take less than that."""


class RunViews:
    """Writes what happens where people look at it. Use it as a context manager.

    Args:
        folder: of the run; views of an earlier attempt are replaced.
        tell: takes the warning that a view cannot be written; it is given once a view.
        saved: what the views had shown when a snapshot was taken: they go on from there, as if
            nothing that was told later had ever been.
        open_events: opens the file for TensorBoard.
    """

    def __init__(
        self,
        folder: Path,
        tell: Callable[[JobEvent], None],
        *,
        saved: JsonObject | None = None,
        open_events: Callable[[Path], TensorboardFile] = TensorboardFile,
    ) -> None:
        self._folder = folder
        self._tell = tell
        self._history = History.of(from_plain(SavedHistory, saved)) if saved else History()
        self._flushed_at = -math.inf
        self._tensorboard: TensorboardFile | None = None
        with self._told(TENSORBOARD):
            folder.mkdir(parents=True, exist_ok=True)
            for name in (CSV, PNG, TENSORBOARD):
                (folder / name).unlink(missing_ok=True)
            self._tensorboard = open_events(folder / TENSORBOARD)
        for event in self._history.in_order():
            self._show(event)

    def __enter__(self) -> Self:
        """Return the views."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close what is open; the files stay for whoever wants to see why a run failed."""
        self._close()

    def add(self, event: JobEvent) -> None:
        """Show an event, where there is something to show; never fails."""
        self._history.add(event)
        self._show(event)

    def saved(self) -> JsonObject:
        """Return what the views have shown, for a snapshot."""
        shown: JsonObject = to_plain(self._history.saved())
        return shown

    def _show(self, event: JobEvent) -> None:
        values = scalars_of(event)
        if self._tensorboard is None or not values:
            return
        assert isinstance(event, StepMetrics | EpochMetrics)
        try:
            self._tensorboard.add(event.step, values)
            self._flush_now_and_then(self._tensorboard)
        except OSError as error:
            self._close()
            self._give_up(TENSORBOARD, error)

    def finished(self, *, exported_epoch: int = 0) -> Mapping[ExportFileKind, Path]:
        """Return the files of all views that could be written, whole."""
        self._close()
        with self._told(CSV):
            write_metrics_csv(self._folder / CSV, self._history)
        with self._told(PNG):
            draw_curves(self._folder / PNG, self._history, exported_epoch=exported_epoch)
        files: Mapping[ExportFileKind, Path] = {
            "metrics_csv": self._folder / CSV,
            "curves_png": self._folder / PNG,
            "tensorboard_events": self._folder / TENSORBOARD,
        }
        return {kind: path for kind, path in files.items() if path.exists()}

    def _flush_now_and_then(self, file: TensorboardFile) -> None:
        now = time.monotonic()
        if now - self._flushed_at >= FLUSH_INTERVAL_S:
            file.flush()
            self._flushed_at = now

    def _close(self) -> None:
        if self._tensorboard is not None:
            with contextlib.suppress(OSError):  # what a full disk did not take is told already
                self._tensorboard.close()
            self._tensorboard = None

    @contextlib.contextmanager
    def _told(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._give_up(name, error)

    def _give_up(self, name: str, error: OSError) -> None:
        """Leave no half-written view behind, and say so."""
        with contextlib.suppress(OSError):
            (self._folder / name).unlink()
        text = f"{str(self._folder / name)!r} cannot be written ({error}): the job goes on without"
        self._tell(JobWarning(code="VIEW_INCOMPLETE", text=text))


def scalars_of(event: JobEvent) -> Mapping[str, float]:
    """Return an event's numbers by tag: `loss/step`, `loss/train`, `loss/validation`, `lr`."""
    if isinstance(event, EpochMetrics):
        return {f"{name}/{event.split}": value for name, value in event.values.items()}
    if not isinstance(event, StepMetrics):
        return {}
    plain = {
        name if name.partition("/")[0] == "lr" else f"{name}/step": value
        for name, value in event.values.items()
    }
    return {**plain, "images_per_s": event.images_per_s}
