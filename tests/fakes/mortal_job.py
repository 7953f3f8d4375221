"""A job that is driven through attempts as a supervisor drives it, with workers that die where a
test says: no store, no server, many deaths a second.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tests.fakes.kill_points import Fault
from tests.fakes.mortal_worker import trace_file, write_fault
from tests.fakes.nursery import Nursery
from trainer_service.jobs import (
    SPOOL_FILE,
    JobEvent,
    LastWord,
    RolledBack,
    SnapshotRef,
    SnapshotTaken,
    StepMetrics,
    WorkOrder,
    parse_spool_line,
    write_order,
)

OFFERED = 3
"""Snapshots that an order names at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """What one attempt left."""

    fault: Fault | None
    exit_code: int
    order: WorkOrder
    events: tuple[JobEvent | LastWord, ...]
    trace: tuple[str, ...]
    """The steps that it reached."""

    @property
    def told_step(self) -> int:
        """Return the last step that it told of."""
        return max((e.step for e in self.events if isinstance(e, StepMetrics)), default=0)

    @property
    def rolled_back(self) -> RolledBack | None:
        """Return where it says that it began."""
        return next((e for e in self.events if isinstance(e, RolledBack)), None)


class MortalJob:
    """One job, attempt after attempt."""

    def __init__(
        self, home: Path, order: WorkOrder, workers: Nursery, *, has_views: bool = False
    ) -> None:
        self._home = home
        self._order = order
        self._workers = workers
        self._has_views = has_views
        self.attempts: list[AttemptRecord] = []
        self.committed: list[SnapshotRef] = []
        """What the store would have a row of, newest first."""

    @property
    def snapshots_folder(self) -> Path:
        """Return where the job's snapshots lie."""
        return self._home / "snapshots"

    def attempt(self, fault: Fault | None = None) -> AttemptRecord:
        """Run one more attempt to its end, or its death."""
        number = len(self.attempts) + 1
        folder = self._home / f"attempt-{number}"
        folder.mkdir(parents=True)
        order = self._next_order(number, folder)
        write_order(folder, order)
        if fault is not None:
            write_fault(folder, fault)
        exit_code = self._workers.run(folder)
        record = AttemptRecord(
            fault=fault,
            exit_code=exit_code,
            order=order,
            events=tuple(_whole_lines(folder / SPOOL_FILE)),
            trace=tuple(trace_file(folder).read_text().splitlines()),
        )
        self.attempts.append(record)
        self._commit(record)
        return record

    def _next_order(self, number: int, folder: Path) -> WorkOrder:
        return replace(
            self._order,
            attempt=number,
            nonce=f"nonce{number}",
            export_dir=str(folder / "export"),
            snapshots_folder=str(self.snapshots_folder),
            run_folder=str(self._home / "run") if self._has_views else "",
            resume_from=tuple(self.committed[:OFFERED]),
            last_told_step=max((each.told_step for each in self.attempts), default=0),
        )

    def _commit(self, record: AttemptRecord) -> None:
        """Keep rows as the store does: what was told and belongs to the line that goes on."""
        for event in record.events:
            if isinstance(event, RolledBack):
                self.committed = [each for each in self.committed if each.step <= event.to_step]
            if isinstance(event, SnapshotTaken):
                self.committed.insert(0, event.snapshot)


def _whole_lines(path: Path) -> Iterator[JobEvent | LastWord]:
    """Yield what a worker told; half a line was not told."""
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    for index, text in enumerate(line for line in lines if line.endswith(b"\n")):
        line = parse_spool_line(text)
        assert line.index == index
        yield line.event
