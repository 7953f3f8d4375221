"""A job that is driven through attempts as a supervisor drives it, with workers that die where a
test says: no store, no server, many deaths a second.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.fakes.kill_points import Death
from tests.fakes.mortal_worker import trace_file, write_death
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

ROOT = Path(__file__).parents[2]
OFFERED = 3
"""Snapshots that an order names at most."""


class Nursery:
    """A process that starts workers without importing torch every time."""

    def __init__(self, log: Path) -> None:
        command = [sys.executable, "-m", "tests.fakes.mortal_worker", "--nursery"]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self._log = log

    def run(self, folder: Path) -> int:
        """Run the worker of an attempt to its end; return its exit code, negative for a signal."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({"folder": str(folder)}) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, self._log.read_text()[-2000:]
        return int(answer)

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


@contextmanager
def nursery(log: Path) -> Iterator[Nursery]:
    """Yield a nursery that is gone afterwards."""
    made = Nursery(log)
    try:
        yield made
    finally:
        made.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """What one attempt left."""

    death: Death | None
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

    def attempt(self, death: Death | None = None) -> AttemptRecord:
        """Run one more attempt to its end, or its death."""
        number = len(self.attempts) + 1
        folder = self._home / f"attempt-{number}"
        folder.mkdir(parents=True)
        order = self._next_order(number, folder)
        write_order(folder, order)
        if death is not None:
            write_death(folder, death)
        exit_code = self._workers.run(folder)
        record = AttemptRecord(
            death=death,
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
