"""The worker programs of one attempt that trains on several devices.

Rank 0 is the worker: it speaks, and it starts the others unless somebody else did. The others only
compute. They die with it, and it ends when one of them is gone.
"""

import faulthandler
import json
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from catalog_service.errors import VertebraError
from catalog_service.models.plain_json import MalformedJson, from_plain, to_plain
from trainer_service.errors import RankLost
from trainer_service.jobs import (
    AttemptEnd,
    ExitClass,
    Failed,
    JobEvent,
    WorkOrder,
    read_order,
    write_end,
)
from trainer_service.jobs.json_file import write_json_file
from trainer_service.jobs.worker_end import WorkerEnd, exit_class_of, read_oom_kills
from trainer_service.rank_place import RankPlace, first_place, part_done_file
from trainer_service.stop_switch import StopRequested, StopSwitch
from trainer_service.worker_failures import failure_of

TIED = ("-m", "trainer_service.engines.tied_process")
LOOK_S = 0.2
NOTICE_S = 10.0
"""How long the worker may take to notice by itself that a rank is gone. A device that waits for
another one's part of a sum never comes back."""
TELL_S = 15.0
"""How long whoever started the ranks has to say which one is lost, before the worker says it."""
EXIT_S = 5.0


def run_rank(folder: Path, place: RankPlace) -> int:
    """Be a rank above 0 of the attempt in `folder`; return the exit code. What it has to say it
    leaves beside the order, for rank 0.
    """
    # Rank 0 hears who wants the attempt to stop, and decides when.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    order = replace(read_order(folder), run_folder="")
    try:
        # Not above: torch takes seconds to import.
        from trainer_service.run_job import run_job

        run_job(order, _say_nothing, StopSwitch(), place)
        part_done_file(folder, place.rank).touch()
    except (RankLost, StopRequested):
        traceback.print_exc()  # rank 0 says why
    except Exception as error:
        if not isinstance(error, VertebraError):
            traceback.print_exc()
        failure = failure_of(error, order)
        write_json_file(folder / f"rank-{place.rank}.json", to_plain(failure))
        return 1
    return 0


def _say_nothing(event: JobEvent) -> None:
    """Rank 0 says the same."""


class OtherRanks:
    """The ranks above 0, seen from rank 0. Where somebody else started them, only what they said
    is known.
    """

    def __init__(self, folder: Path, order: WorkOrder, place: RankPlace | None) -> None:
        """Take the place of this process where somebody else starts ranks; None starts them here,
        where the order is for several.
        """
        self._folder = folder
        self._num_ranks = order.num_ranks
        self._place = place
        self._num_oom_kills = read_oom_kills()
        self._programs: Sequence[subprocess.Popen[bytes]] = ()
        self._is_over = threading.Event()
        self._lost: AttemptEnd | None = None

    @contextmanager
    def running(self) -> Iterator[RankPlace | None]:
        """Have them run for the length of a block, and none of them afterwards; give the place of
        rank 0, None where it is alone.
        """
        place = self._place
        if place is None and self._num_ranks > 1:
            place = first_place(self._num_ranks)
            self._start(place)
        try:
            yield place
        except RankLost:
            self._wait_for_news()
            raise
        finally:
            self._is_over.set()
            self._kill()

    def _start(self, first: RankPlace) -> None:
        """Start the program that this process runs, once a rank; its output goes where ours
        does.
        """
        command = [sys.executable, *TIED, str(os.getpid()), sys.executable, *sys.orig_argv[1:]]
        self._programs = [
            subprocess.Popen(
                command,
                env={**os.environ, **first.of_rank(rank).environment()},
                stdin=subprocess.DEVNULL,
            )
            for rank in range(1, first.num_ranks)
        ]
        threading.Thread(target=self._watch, name="ranks", daemon=True).start()

    def _watch(self) -> None:
        """End this process if a rank is gone and the main thread does not see it."""
        while self._gone() is None:
            if self._is_over.wait(LOOK_S):
                return
        if not self._is_over.wait(NOTICE_S) and (end := self._end()) is not None:
            write_end(self._folder, end)
            os.kill(os.getpid(), signal.SIGKILL)

    def _gone(self) -> int | None:
        """Return the rank of a program that failed; None where none did."""
        codes = [program.poll() for program in self._programs]
        failed = [rank for rank, code in enumerate(codes, start=1) if code]
        return next(
            (rank for rank in failed if not part_done_file(self._folder, rank).exists()), None
        )

    def _end(self) -> AttemptEnd | None:
        """Return how a rank ended the attempt: as it said, or else as its process shows."""
        if (said := self._said()) is not None:
            return AttemptEnd(exit_class=said.exit_class, reason=said.reason, detail=said.message)
        rank = self._gone()
        if rank is None:
            return None
        code = self._programs[rank - 1].returncode
        how = f"rank {rank} of {len(self._programs) + 1}: {_ending(code)}"
        num_oom_kills = read_oom_kills() - self._num_oom_kills
        return exit_class_of(WorkerEnd(exit_code=code, num_oom_kills=num_oom_kills, how=how))

    def _wait_for_news(self) -> None:
        """Return when it is known which rank is lost, or nobody will tell any more."""
        seconds = EXIT_S if self._programs else TELL_S
        _wait_for(lambda: self._said() is not None or self._gone() is not None, seconds)
        self._lost = self._end()

    def word(self, lost: RankLost) -> Failed:
        """Return the last word of a worker that lost a rank: what that one said, or how it died."""
        end = self._lost or AttemptEnd(
            exit_class=ExitClass.CRASHED, reason=lost.error_reason, detail=lost.message
        )
        return Failed(reason=end.reason, message=end.detail, exit_class=end.exit_class)

    def _said(self) -> Failed | None:
        for path in sorted(self._folder.glob("rank-*.json")):
            try:
                return from_plain(Failed, json.loads(path.read_text("utf-8")))
            except (json.JSONDecodeError, MalformedJson):
                continue
        return None

    def _kill(self) -> None:
        """Return when none is left. When training is over they go by themselves."""
        for program in self._programs:
            program.kill()
        for program in self._programs:
            program.wait()


def _wait_for(is_so: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not is_so() and time.monotonic() < until:
        time.sleep(LOOK_S / 4)


def _ending(code: int) -> str:
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"
