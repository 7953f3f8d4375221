"""Where a worker can be killed, or hindered: named steps and byte offsets, reached by patching it
from outside.

A step is `<phase>.<what>`, such as `save.fsync`, and it is the n-th one of a process. The product
knows nothing of this: what is patched is what touches the disk.
"""

import errno
import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Literal, Self

When = Literal["before", "half", "after", "offset"]


Kind = Literal["kill", "hang", "full", "slow", "wait"]
"""Dies as by `kill -9`; hangs, deep in a library; finds the disk full; takes its time; waits there
until it was asked to go, so that the speed of the machine decides nothing.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens to a worker, and where."""

    kind: Kind = "kill"

    step: str
    number: int = 1
    """Of this step in the process, counted from 1; 0 is every one."""
    when: When = "before"
    """`half`: of a line that is written. `offset`: after some bytes of a snapshot."""
    offset: int = 0
    is_naive: bool = False
    """Whether the worker writes snapshots where they stay, as a simpler one would."""
    seconds: float = 0.0
    """Of a slow step."""

    def to_json(self) -> str:
        """Return what `fault_from` reads."""
        return json.dumps(asdict(self))


def fault_from(text: str) -> Fault | None:
    """Return a fault; None where there is none."""
    return Fault(**json.loads(text)) if text else None


class KillPoints:
    """Counts the steps of this process, writes them down, and lets a fault happen at one of them.

    Args:
        trace: a file that gets a line a step; None writes none.
    """

    def __init__(self, fault: Fault | None, trace: Path | None) -> None:
        self._fault = fault
        self._trace = trace
        self._counts: Counter[str] = Counter()
        self._phases = ["start"]

    @contextmanager
    def during(self, phase: str) -> Iterator[None]:
        """Name what happens within a block after a phase."""
        self._phases.append(phase)
        try:
            yield
        finally:
            self._phases.pop()

    def around(self, what: str, work: Callable[[], Any]) -> Any:
        """Do something that is a step of the phase."""
        step = self.begin(what)
        self.meet(step, "before")
        try:
            return work()
        finally:
            self.meet(step, "after")

    def begin(self, what: str) -> str:
        """Count a step and return its name."""
        step = f"{self._phases[-1]}.{what}"
        self._counts[step] += 1
        if self._trace is not None:
            with self._trace.open("a") as file:
                file.write(f"{step}\n")
        return step

    def meet(self, step: str, when: When) -> None:
        """Let the fault happen if it is here."""
        if self._fault is not None and self.is_due(step, when):
            happen(self._fault)

    def is_due(self, step: str, when: When) -> bool:
        """Whether the fault is here."""
        fault = self._fault
        return (
            fault is not None
            and (fault.step, fault.when) == (step, when)
            and fault.number in (0, self._counts[step])
        )

    def bytes_left(self, step: str, num_written: int) -> int | None:
        """Return after how many more bytes this process dies; None if it is not to."""
        if self._fault is None or not self.is_due(step, "offset"):
            return None
        return max(0, self._fault.offset - num_written)

    @property
    def phase(self) -> str:
        """Return what steps are named after now."""
        return self._phases[-1]

    def enter(self, phase: str) -> None:
        """Leave the first phase for another one, for good."""
        self._phases[0] = phase


switches: list[Any] = []
"""What tells the worker of this process to go."""


def die() -> None:
    """End this process as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)


def hang() -> None:
    """Never come back; signals are heard and ignored."""
    while True:
        time.sleep(3600)


def wait_to_be_asked() -> None:
    """Return once this worker was told to pause, to go or to stop."""
    while not any(switch.asked or switch._cancelled.is_set() for switch in switches):
        time.sleep(0.01)


def happen(fault: Fault) -> None:
    """Do what the fault is."""
    match fault.kind:
        case "kill":
            die()
        case "hang":
            hang()
        case "slow":
            time.sleep(fault.seconds)
        case "wait":
            wait_to_be_asked()
        case "full":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def patch_worker(points: KillPoints) -> None:
    """Make every step of the worker program in this process one that can be its last."""
    from trainer_service.backbone_export import export
    from trainer_service.run_job import whole_job
    from trainer_service.snapshots import snapshot_writer, verifying
    from trainer_service.train import progress

    for name in ("fsync", "mkdir", "rename", "replace"):
        _replace(os, name, lambda call, name=name: points.around(name, call))
    _patch_spool(points)
    _replace(snapshot_writer.SnapshotWriter, "write", lambda call: _in(points, "save", call))
    for module in (verifying, snapshot_writer):
        _replace(module, "require_whole", lambda call: points.around("verify", call))
    _replace(whole_job, "export_backbone", lambda call: _in(points, "export", call))
    _replace(export, "sha256_of_file", lambda call: points.around("hash", call))
    _patch_writing(points)
    _patch_switch()
    progress.STEP_EVENT_INTERVAL_S = 0.0  # every step is told, so that it is known what is lost


def _in(points: KillPoints, phase: str, call: Callable[[], Any]) -> Any:
    """Do something whose steps are named after it, and whose two ends are steps themselves."""
    with points.during(phase):
        return points.around("all", call)


def _replace(target: Any, name: str, around: Callable[[Callable[[], Any]], Any]) -> None:
    """Let calls of a function go through `around`, which calls what it is given."""
    original = getattr(target, name)

    @wraps(original)
    def mortal(*given: Any, **named: Any) -> Any:
        return around(lambda: original(*given, **named))

    setattr(target, name, mortal)


def _patch_spool(points: KillPoints) -> None:
    from trainer_service.event_spool import EventSpool
    from trainer_service.jobs import SpoolLine, format_spool_line
    from trainer_service.jobs.events import event_kind

    write = EventSpool.write

    def mortal(spool: EventSpool, event: Any) -> None:
        with points.during("tell"):
            step = points.begin(event_kind(event))
            points.meet(step, "before")
            if points.is_due(step, "half"):
                line = format_spool_line(SpoolLine(index=spool._num_written, time=0, event=event))
                os.write(spool._file.fileno(), line[: len(line) // 2])
                die()
            write(spool, event)
            points.meet(step, "after")
        if step == "tell.step_metrics":
            points.enter("train")

    EventSpool.write = mortal  # type: ignore[method-assign]


def _patch_switch() -> None:
    from trainer_service.stop_switch import StopSwitch

    make = StopSwitch.__init__

    def known(switch: StopSwitch, *given: Any, **named: Any) -> None:
        make(switch, *given, **named)
        switches.append(switch)

    StopSwitch.__init__ = known  # type: ignore[method-assign]


def _patch_writing(points: KillPoints) -> None:
    """Let the files of a snapshot be cut off after any byte."""
    open_file = Path.open

    def mortal(path: Path, mode: str = "r", *given: Any, **named: Any) -> Any:
        file = open_file(path, mode, *given, **named)
        return MortalFile(file, points) if mode == "xb" and points.phase == "save" else file

    Path.open = mortal  # type: ignore[method-assign]


def save_naively() -> None:
    """Let this process write the files of a snapshot straight into its folder."""
    from trainer_service.snapshots.snapshot_writer import SnapshotWriter

    @contextmanager
    def in_place(writer: SnapshotWriter, step: int) -> Iterator[Path]:
        place = writer._folder / f"{writer._attempt}-{step}"
        place.mkdir(parents=True)
        yield place

    SnapshotWriter._staged = in_place  # type: ignore[method-assign,assignment]


class MortalFile:
    """A file of a snapshot whose writer dies when the snapshot has so many bytes."""

    num_written = 0
    """Of the snapshot that is being saved; there is one at a time."""

    def __init__(self, file: Any, points: KillPoints) -> None:
        self._file = file
        self._points = points

    def write(self, piece: bytes | memoryview) -> int:
        """Write what may be written."""
        left = self._points.bytes_left("save.all", MortalFile.num_written)
        if left is not None and left < len(piece):
            self._file.write(piece[:left])
            self._file.flush()
            die()
        MortalFile.num_written += len(piece)
        return int(self._file.write(piece))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
