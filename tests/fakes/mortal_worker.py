"""The worker program, to which happens what a test says.

    python -m tests.fakes.mortal_worker <attempt folder>

Its fault is read from `fault-<attempt>.json` beside the attempt's folder; without one it works on.
"""

import sys
from pathlib import Path

from tests.fakes.kill_points import (
    Fault,
    KillPoints,
    MortalFile,
    fault_from,
    patch_worker,
    save_naively,
)


def fault_file(folder: Path) -> Path:
    """Return where the fault of an attempt is written."""
    return folder.with_name(f"fault-{folder.name.removeprefix('attempt-')}.json")


def trace_file(folder: Path) -> Path:
    """Return where an attempt's steps are written down, in order."""
    return folder.with_name(f"trace-{folder.name.removeprefix('attempt-')}.txt")


def write_fault(folder: Path, fault: Fault) -> None:
    """Let something happen to the worker of an attempt, which may not have a folder yet."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    fault_file(folder).write_text(fault.to_json())


def work(folder: Path) -> int:
    """Run the worker program in this process."""
    from trainer_service import worker

    place = fault_file(folder)
    fault = fault_from(place.read_text() if place.exists() else "")
    MortalFile.num_written = 0
    if fault is not None and fault.is_naive:
        save_naively()
    patch_worker(KillPoints(fault, trace_file(folder)))
    return worker.main(["worker", str(folder)])


if __name__ == "__main__":
    sys.exit(work(Path(sys.argv[1])))
