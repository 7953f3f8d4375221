"""The processes of one attempt: started once, found again, asked about, and seen to be gone."""

import asyncio
import contextlib
import signal
from collections.abc import Mapping
from pathlib import Path

import psutil

from catalog_service.models.plain_json import MalformedJson
from trainer_service.engines.engine import Engine, Worker
from trainer_service.errors import WorkerStuck
from trainer_service.jobs import (
    ALIVE_FILE,
    HEARTBEAT_FILE,
    LOG_FILE,
    ORDER_FILE,
    SPOOL_FILE,
    read_identity,
    read_order,
)
from trainer_service.jobs.run_spec import EngineName
from trainer_service.supervisor.oom_kills import note_oom_kills
from trainer_service.supervisor.rooms import Timing
from trainer_service.supervisor.stacks import shortened_stacks


class AttemptWorker:
    """The worker of one attempt, whoever started it.

    Args:
        folder: of the attempt.
        nonce: of the attempt.
    """

    def __init__(self, engine: Engine, folder: Path, nonce: str, timing: Timing) -> None:
        self._engine = engine
        self._folder = folder
        self._nonce = nonce
        self._timing = timing
        self._worker: Worker | None = None
        self._alive_ns = 0

    @property
    def has_begun(self) -> bool:
        """Whether a worker ever wrote anything here: then none is started any more."""
        return read_identity(self._folder) is not None or (self._folder / SPOOL_FILE).exists()

    async def find(self) -> bool:
        """Look for the worker; return whether it is alive."""
        identity = await asyncio.to_thread(read_identity, self._folder)
        self._worker = await asyncio.to_thread(self._engine.find, self._nonce, identity)
        return self._worker.is_alive()

    async def is_there(self) -> bool:
        """Return whether the worker runs, whoever started it."""
        return self.is_alive() or await self.is_elsewhere()

    async def is_elsewhere(self) -> bool:
        """Return whether another process does the work, now that the one we knew is gone."""
        known = self._worker
        if await self.find():
            return True
        self._worker = known or self._worker  # how a process of our own ended is known
        return False

    async def start_once(self) -> None:
        """Start the worker, unless it was started before."""
        if self._worker is None and not await self.find() and not self.has_begun:
            assert (self._folder / ORDER_FILE).exists()  # written before the job was RUNNING
            (self._folder / HEARTBEAT_FILE).touch()
            note_oom_kills(self._folder)
            self._worker = await asyncio.to_thread(self._engine.start, self._folder, self._nonce)

    def is_alive(self) -> bool:
        """Return whether the worker runs, as far as this object has looked for it."""
        return self._worker is not None and self._worker.is_alive()

    def has_moved(self) -> bool:
        """Return whether the worker showed since the last call that it moves."""
        try:
            touched_ns = (self._folder / ALIVE_FILE).stat().st_mtime_ns
        except FileNotFoundError:
            return False
        has_moved, self._alive_ns = touched_ns != self._alive_ns, touched_ns
        return has_moved

    @property
    def exit_code(self) -> int | None:
        """The exit code, negative for a signal; None where it cannot be known."""
        return self._worker.exit_code if self._worker else None

    def how_it_ended(self) -> str:
        """Return what is known of the end of a worker that is not alive, for people."""
        return self._worker.how_it_ended() if self._worker else "it never began"

    async def nudge(self) -> None:
        """Make the worker look at what it is told."""
        if self._worker is not None:
            await asyncio.to_thread(self._worker.terminate)

    async def stacks(self) -> str:
        """Return where the worker hangs, shortened; all of it goes into its log."""
        log = self._folder / LOG_FILE
        begin = log.stat().st_size if log.exists() else 0
        for process in await asyncio.to_thread(self._processes):
            with contextlib.suppress(psutil.Error):
                process.send_signal(signal.SIGUSR1)
        await asyncio.sleep(self._timing.stacks_s)
        return shortened_stacks(await asyncio.to_thread(_read_from, log, begin))

    async def until_gone(self, *, grace_s: float) -> None:
        """Return when no process of the worker is left; kill what is there after the grace, or
        what outlives the worker itself.

        Raises:
            WorkerStuck: something cannot be killed.
        """
        clock = asyncio.get_running_loop().time
        kill_at = clock() + grace_s
        while left := await asyncio.to_thread(self._processes):
            if clock() > kill_at + self._timing.kill_s:
                raise _stuck(left)
            if self._worker is not None and (clock() >= kill_at or not self._worker.is_alive()):
                await asyncio.to_thread(self._worker.kill)
            await asyncio.sleep(self._timing.poll_s)

    def _processes(self) -> list[psutil.Process]:
        return list(self._worker.processes()) if self._worker is not None else []


def ordered_worker(
    engines: Mapping[EngineName, Engine], folder: Path, timing: Timing
) -> AttemptWorker | None:
    """Return the worker of an attempt as its order has it; None where there is no order, and so no
    worker.
    """
    try:
        order = read_order(folder)
    except (FileNotFoundError, MalformedJson):
        return None
    return AttemptWorker(engines[order.spec.run.engine], folder, order.nonce, timing)


def _stuck(processes: list[psutil.Process]) -> WorkerStuck:
    pids = ", ".join(str(process.pid) for process in processes)
    return WorkerStuck(
        f"processes {pids} of the worker were killed and are still there: they wait for a disk or"
        " a device that does not answer, and may still hold memory of it; look at them on the host"
    )


def _read_from(log: Path, begin: int) -> str:
    try:
        with log.open("rb") as file:
            file.seek(begin)
            return file.read(1 << 20).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
