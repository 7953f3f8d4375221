"""The worker program: one attempt of one job, `python -m trainer_service.worker <attempt folder>`.

It takes the folder's lock, says who it is, does what the order says and writes everything it has to
say into the spool. The last line says how it ended. It talks to no service and imports no gRPC.
"""

import fcntl
import os
import sys
import traceback
from contextlib import closing
from pathlib import Path
from typing import IO

import psutil

from catalog_service.errors import VertebraError
from trainer_service.errors import RankLost, is_out_of_room
from trainer_service.event_spool import EventSpool
from trainer_service.jobs import (
    ALIVE_FILE,
    LOCK_FILE,
    SPOOL_FILE,
    LastWord,
    WorkerIdentity,
    WorkOrder,
    read_order,
    write_identity,
)
from trainer_service.jobs.worker_end import NO_ROOM_EXIT_CODE
from trainer_service.listening import Listener, Signals, listening
from trainer_service.rank_place import RankPlace
from trainer_service.rank_programs import OtherRanks, run_rank
from trainer_service.sign_of_life import SignOfLife
from trainer_service.stop_switch import StopRequested, StopSwitch
from trainer_service.worker_failures import failure_of


def main(arguments: list[str]) -> int:
    """Run the attempt; returns 0 however it ended in order, because the spool says how."""
    folder = Path(arguments[1])
    place = RankPlace.from_environment(os.environ)
    if place is not None and place.rank > 0:
        return run_rank(folder, place)
    with closing(Signals()) as signals:
        lock = take_lock(folder)
        if lock is None:
            return 0  # another worker is here
        with lock:
            if (folder / SPOOL_FILE).exists():
                return 0  # one was here: an attempt runs once
            try:
                run_attempt(folder, signals, place)
            except OSError as error:
                if not is_out_of_room(error):
                    raise
                return NO_ROOM_EXIT_CODE
    return 0


def run_attempt(folder: Path, signals: Signals, place: RankPlace | None = None) -> None:
    """Say who works here, do what the order says, and leave a spool that ends in order."""
    order = read_order(folder)
    write_identity(folder, own_identity(order))
    stop = StopSwitch(looked=SignOfLife(folder / ALIVE_FILE).show)
    listener = Listener(folder, stop, grace_s=order.grace_s, silence_s=order.supervisor_silence_s)
    with EventSpool(folder / SPOOL_FILE) as spool:
        with listening(listener, signals):
            word = last_word(order, spool, stop, OtherRanks(folder, order, place))
        spool.write(word)


def take_lock(folder: Path) -> IO[bytes] | None:
    """Return the folder's lock, held until it is closed, or None where another process holds it."""
    lock = (folder / LOCK_FILE).open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def own_identity(order: WorkOrder) -> WorkerIdentity:
    """Return who this process is."""
    process = psutil.Process()
    return WorkerIdentity(pid=os.getpid(), start_time=process.create_time(), nonce=order.nonce)


def last_word(
    order: WorkOrder, spool: EventSpool, stop: StopSwitch, others: OtherRanks
) -> LastWord:
    """Do what the order says and return how it ended; whatever happens, there is a last word."""
    try:
        with others.running() as place:
            # Not above: torch takes seconds to import, and the supervisor waits for the identity.
            from trainer_service.run_job import run_job

            stop.check()
            return run_job(order, spool.write, stop, place)
    except RankLost as lost:
        return others.word(lost)
    except StopRequested as stopped:
        return stopped.word
    except Exception as error:
        if not isinstance(error, VertebraError):
            traceback.print_exc()
        return failure_of(error, order)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
