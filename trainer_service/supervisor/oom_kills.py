"""How many processes the kernel killed for memory since an attempt began. It counts for all that
run in one control group, so the number before is kept in the attempt's folder.
"""

from pathlib import Path

from trainer_service.jobs.worker_end import read_oom_kills

OOM_KILLS_FILE = "oom_kills"


def note_oom_kills(folder: Path) -> None:
    """Keep what was killed before a worker begins."""
    (folder / OOM_KILLS_FILE).write_text(str(read_oom_kills()))


def oom_kills_since(folder: Path) -> int:
    """Return what was killed since; 0 where the number before is not known."""
    try:
        before = int((folder / OOM_KILLS_FILE).read_text())
    except (FileNotFoundError, ValueError):
        return 0
    return max(0, read_oom_kills() - before)
