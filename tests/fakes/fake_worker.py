"""A worker that trains nothing and obeys the attempt folder's contract.

    python fake_worker.py <script.json> <attempt folder>

The script says what to do: {"steps": 3, "pause_s": 0.01, "end": "finished" | "failed" | "crash" |
"hang" | "silent" | "torn" | "other_bytes" | "half_an_export" | ...,
"ignore_sigterm": true, "child": true}.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil

from tests.fakes.job_values import epoch_metrics, planned, step
from trainer_service.jobs import (
    LOCK_FILE,
    SPOOL_FILE,
    Cancelled,
    Export,
    ExportFile,
    Failed,
    Finished,
    JobEvent,
    LastWord,
    SpoolLine,
    WorkerIdentity,
    WorkOrder,
    format_spool_line,
    read_order,
    write_identity,
)


class Spool:
    """Writes events as a worker does."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("xb", buffering=0)
        self._index = 0

    def write(self, event: JobEvent | LastWord) -> None:
        """Append one whole line."""
        line = SpoolLine(index=self._index, time=time.time(), event=event)
        self._file.write(format_spool_line(line))
        self._index += 1

    def write_nonsense(self) -> None:
        """Append a whole line that is no event."""
        self._file.write(b"nonsense\n")

    def write_torn(self) -> None:
        """Append half a line, as a worker that is killed while it writes."""
        self._file.write(
            format_spool_line(SpoolLine(index=self._index, time=0, event=step(99)))[:20]
        )


def main() -> int:
    """Do what the script says."""
    script = json.loads(Path(sys.argv[1]).read_text())
    folder = Path(sys.argv[2])
    lock = (folder / LOCK_FILE).open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return 0
    told: list[int] = []
    signal.signal(
        signal.SIGTERM,
        signal.SIG_IGN if script.get("ignore_sigterm") else lambda number, _: told.append(number),
    )
    order = read_order(folder)
    time.sleep(script.get("start_s", 0))
    start_time = psutil.Process().create_time()
    write_identity(
        folder, WorkerIdentity(pid=os.getpid(), start_time=start_time, nonce=order.nonce)
    )
    if script.get("child"):
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    return work(script, order, Spool(folder / SPOOL_FILE), told)


def work(script: dict[str, object], order: WorkOrder, spool: Spool, told: list[int]) -> int:
    """Write steps until told to stop, then end as the script says."""
    print(f"threads {os.environ['OMP_NUM_THREADS']} bytecode {sys.flags.dont_write_bytecode}")
    spool.write(planned())
    for number in range(1, int(str(script.get("steps", 3))) + 1):
        if told:
            spool.write(Cancelled())
            return 0
        spool.write(step(number))
        time.sleep(float(str(script.get("pause_s", 0.01))))
    spool.write(epoch_metrics(1, 0.75))
    return end(str(script.get("end", "finished")), order, spool, told)


def end(how: str, order: WorkOrder, spool: Spool, told: list[int]) -> int:
    """Return the exit code, after the last word if there is one."""
    match how:
        case "finished":
            spool.write(Finished(exports=(export(Path(order.export_dir)),)))
        case "other_bytes" | "half_an_export":
            spool.write(Finished(exports=(spoilt(how, export(Path(order.export_dir))),)))
        case "failed":
            spool.write(Failed(reason="DATA_INVALID", message="cat/1.png is no image"))
        case "crash":
            print("Traceback (most recent call last):\nRuntimeError: the sky fell", flush=True)
            return 3
        case "torn" | "dies_exporting":
            spool.write_torn() if how == "torn" else half_an_export(Path(order.export_dir))
            os.kill(os.getpid(), signal.SIGKILL)
        case "damaged":
            spool.write_nonsense()
            time.sleep(600)
        case "hang":
            while not told:
                time.sleep(0.02)
            spool.write(Cancelled())
        case "finish_and_stay":
            spool.write(Finished(exports=(export(Path(order.export_dir)),)))
            time.sleep(600)
    return 0


def spoilt(how: str, whole: Export) -> Export:
    """Return an export that lacks files, or names other bytes than there are."""
    if how == "half_an_export":
        return replace(whole, files=whole.files[:2])
    wrong = "sha256:" + "0" * 64
    return replace(whole, files=tuple(replace(file, digest=wrong) for file in whole.files))


def half_an_export(folder: Path) -> None:
    """Write what a worker leaves that is killed while it exports."""
    staged = folder.with_name(f"{folder.name}.tmp-nonce")
    staged.mkdir()
    (staged / "model.safetensors").write_text("half of it")


def export(folder: Path) -> Export:
    """Write the four files, whole at once."""
    staged = folder.with_name(f"{folder.name}.tmp-{os.getpid()}")
    staged.mkdir(parents=True)
    files = {
        "backbone_safetensors": "backbone.safetensors",
        "backbone_ckpt": "backbone.ckpt",
        "model_safetensors": "model.safetensors",
        "metadata": "metadata.json",
    }
    for kind, name in files.items():
        (staged / name).write_text(f"the bytes of {kind}")
    staged.rename(folder)
    return Export(
        architecture_id="resnet18",
        backbone_digest="sha256:" + "1" * 64,
        state_digest="sha256:" + "2" * 64,
        files=tuple(
            ExportFile(kind=kind, path=str(folder / name))  # type: ignore[arg-type]
            for kind, name in files.items()
        ),
        metrics={"validation/accuracy": 0.75},
    )


if __name__ == "__main__":
    sys.exit(main())
