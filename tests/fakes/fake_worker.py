"""A worker that trains nothing and obeys the attempt folder's contract.

    python fake_worker.py <script.json> <attempt folder>

The script says what to do: {"steps": 3, "pause_s": 0.01, "end": "finished" | "failed" | "crash" |
"hang" | "silent" | "torn" | "other_bytes" | "half_an_export" | "stuck" | "eats" | ..., or "ends",
one an attempt; "snapshot_every": 2, "save": "fails", "save_s": 1, "best_step": 4, "is_deaf": true,
"ignore_sigterm": true, "child": true, "waits": {"5": "go"}}. It waits after those steps until the
attempt's folder has a file of that name.
"""

import contextlib
import faulthandler
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
    ALIVE_FILE,
    HEARTBEAT_FILE,
    LOCK_FILE,
    SPOOL_FILE,
    Cancelled,
    ExitClass,
    Export,
    ExportFile,
    Failed,
    Finished,
    JobEvent,
    LastWord,
    Paused,
    Preempted,
    RolledBack,
    SnapshotFailed,
    SnapshotRef,
    SnapshotTaken,
    SpoolLine,
    WorkerIdentity,
    WorkOrder,
    format_spool_line,
    read_control,
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
    faulthandler.register(signal.SIGUSR1)
    order = read_order(folder)
    time.sleep(script.get("start_s", 0))
    start_time = psutil.Process().create_time()
    write_identity(
        folder, WorkerIdentity(pid=os.getpid(), start_time=start_time, nonce=order.nonce)
    )
    if script.get("child"):
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    return FakeWork(script, order, Spool(folder / SPOOL_FILE), folder, told).run()


class FakeWork:
    """Steps, snapshots and answers, as the script says."""

    def __init__(
        self,
        script: dict[str, object],
        order: WorkOrder,
        spool: Spool,
        folder: Path,
        told: list[int],
    ) -> None:
        self._script = script
        self._order = order
        self._spool = spool
        self._folder = folder
        self._told = told
        self._answered = 0
        self._num_saves = 0
        self._step = 0

    def run(self) -> int:
        """Return the exit code."""
        print(f"threads {os.environ['OMP_NUM_THREADS']} bytecode {sys.flags.dont_write_bytecode}")
        begin = self._order.resume_from[0] if self._order.resume_from else None
        self._step = begin.step if begin else 0
        if self._order.attempt > 1:
            self._spool.write(rolled_back(self._step, self._order.last_told_step))
        self._spool.write(planned())
        every = int(str(self._script.get("snapshot_every", 0)))
        while self._step < int(str(self._script.get("steps", 3))):
            if self._has_left():
                return 0
            self._step += 1
            self._spool.write(step(self._step))
            time.sleep(float(str(self._script.get("pause_s", 0.01))))
            self._wait()
            if every and self._step % every == 0:
                self._save(0)
        self._spool.write(epoch_metrics(1, 0.75))
        return self._end(self._how())

    def _wait(self) -> None:
        """Wait for a file, where the script says so."""
        waits = self._script.get("waits")
        name = waits.get(str(self._step)) if isinstance(waits, dict) else None
        while name and not (self._folder / name).exists():
            time.sleep(0.01)

    def _how(self) -> str:
        """Return how this attempt is to end."""
        ends = self._script.get("ends")
        if not isinstance(ends, list):
            return str(self._script.get("end", "finished"))
        return str(ends[min(self._order.attempt, len(ends)) - 1])

    def _has_left(self) -> bool:
        """Do what is asked, and return whether that was the end."""
        control = read_control(self._folder)
        if self._script.get("is_deaf"):
            return False
        match control.command:
            case "cancel":
                self._spool.write(Cancelled())
                return True
            case "preempt":
                return self._leave()
            case "pause" if control.number > self._answered:
                self._answered = control.number
                if self._save(control.number):
                    self._spool.write(Paused(step=self._step))
                    return True
                return False
        return self._leave() if self._told or self._is_alone() else False

    def _is_alone(self) -> bool:
        """Whether nobody of this host has looked after this worker for too long."""
        silence_s = self._order.supervisor_silence_s
        if not silence_s:
            return False
        return time.time() - (self._folder / HEARTBEAT_FILE).stat().st_mtime > silence_s

    def _leave(self) -> bool:
        is_saved = self._save(0)
        self._spool.write(Preempted(is_saved=is_saved, message="it was told to go"))
        return True

    def _save(self, number: int) -> bool:
        time.sleep(float(str(self._script.get("save_s", 0))))
        fails_times = int(str(self._script.get("save_fails_times", 0)))
        self._num_saves += 1
        if self._script.get("save") == "fails" or self._num_saves <= fails_times:
            self._spool.write(
                SnapshotFailed(reason="DISK_FULL", message="no room", control_number=number)
            )
            return False
        self._spool.write(SnapshotTaken(snapshot=self._snapshot()))
        return True

    def _snapshot(self) -> SnapshotRef:
        name = f"{self._order.attempt}-{self._step}"
        folder = Path(self._order.snapshots_folder) / name
        folder.mkdir(parents=True, exist_ok=True)
        return SnapshotRef(
            attempt=self._order.attempt,
            step=self._step,
            epoch=0,
            path=str(folder),
            digest="sha256:" + "3" * 64,
            size_bytes=1,
            save_s=0.01,
            create_time=time.time(),
            is_best=self._step == self._script.get("best_step"),
        )

    def _end(self, how: str) -> int:
        match how:
            case "hang":
                while not self._has_left():
                    time.sleep(0.02)
            case "stuck" | "moving":
                until = time.monotonic() + 600
                while time.monotonic() < until:
                    if how == "moving":
                        (self._folder / ALIVE_FILE).touch()
                        if self._has_left():
                            return 0
                    stuck_here()
            case "no_room":
                self._spool.write(NO_ROOM)
            case "fills_disk":
                fill(self._folder / "filler", leaving=1 << 16)
                self._spool.write(NO_ROOM)
                fill(self._folder / "rest", leaving=0)
            case _:
                return end(how, self._order, self._spool)
        return 0


NO_ROOM = Failed(reason="DISK_FULL", message="no room", exit_class=ExitClass.DISK_FULL)


def fill(path: Path, *, leaving: int) -> None:
    """Write until the disk is full, then give a little back."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"x" * 4096):
            pass
    os.truncate(path, path.stat().st_size - leaving)


def stuck_here() -> None:
    """Where a worker that hangs is found."""
    time.sleep(0.05)


def end(how: str, order: WorkOrder, spool: Spool) -> int:
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
        case "eats":
            eaten = [bytearray(b"x") * (1 << 24) for _ in range(1 << 12)]
            return len(eaten)
        case "torn" | "dies_exporting":
            spool.write_torn() if how == "torn" else half_an_export(Path(order.export_dir))
            os.kill(os.getpid(), signal.SIGKILL)
        case "damaged":
            spool.write_nonsense()
            time.sleep(600)
        case "finish_and_stay":
            spool.write(Finished(exports=(export(Path(order.export_dir)),)))
            time.sleep(600)
    return 0


def rolled_back(to_step: int, last_told_step: int) -> RolledBack:
    """Return what an attempt after the first begins with."""
    num_lost = max(0, last_told_step - to_step)
    return RolledBack(to_step=to_step, to_epoch=0, num_lost_steps=num_lost)


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
