"""The worker program, which dies where a test says; and a nursery that starts many of them quickly.

    python -m tests.fakes.mortal_worker <attempt folder>
    python -m tests.fakes.mortal_worker --nursery

The first reads its death from `death-<attempt>.json` beside the attempt's folder; without one it
lives. The nursery imports torch once and forks a worker for each line that it reads:
{"folder": ..., "log": ...}; it answers with a line: the exit code, negative for a signal.
"""

import json
import os
import sys
import traceback
from pathlib import Path

from tests.fakes.kill_points import (
    Death,
    KillPoints,
    MortalFile,
    death_from,
    patch_worker,
    save_naively,
)
from trainer_service.jobs import LOG_FILE


def death_file(folder: Path) -> Path:
    """Return where the death of an attempt is written."""
    return folder.with_name(f"death-{folder.name.removeprefix('attempt-')}.json")


def trace_file(folder: Path) -> Path:
    """Return where an attempt's steps are written down, in order."""
    return folder.with_name(f"trace-{folder.name.removeprefix('attempt-')}.txt")


def write_death(folder: Path, death: Death) -> None:
    """Let the worker of an attempt die."""
    death_file(folder).write_text(death.to_json())


def work(folder: Path) -> int:
    """Run the worker program in this process."""
    from trainer_service import worker

    place = death_file(folder)
    death = death_from(place.read_text() if place.exists() else "")
    MortalFile.num_written = 0
    if death is not None and death.is_naive:
        save_naively()
    patch_worker(KillPoints(death, trace_file(folder)))
    return worker.main(["worker", str(folder)])


def nursery() -> None:
    """Fork a worker a line, one after the other."""
    import torch

    from trainer_service import run_job

    assert run_job
    torch.set_num_threads(1)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _become_worker(Path(json.loads(line)["folder"]))
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _become_worker(folder: Path) -> None:
    """Be the worker of an attempt, and nothing after that."""
    log = os.open(folder / LOG_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    code = 1
    try:
        code = work(folder)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    if sys.argv[1] == "--nursery":
        nursery()
    else:
        sys.exit(work(Path(sys.argv[1])))
