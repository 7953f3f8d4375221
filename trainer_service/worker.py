"""The worker program: one attempt of one job, `python -m trainer_service.worker <attempt folder>`.

It takes the folder's lock, says who it is, does what the order says and writes everything it has to
say into the spool. The last line says how it ended. It talks to no service and imports no gRPC.
"""

import fcntl
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import IO

import psutil

from catalog_service.blobs.disk import DiskFull
from catalog_service.errors import VertebraError
from trainer_service.errors import is_out_of_memory, is_out_of_room
from trainer_service.event_spool import EventSpool
from trainer_service.jobs import (
    LOCK_FILE,
    SPOOL_FILE,
    Failed,
    LastWord,
    WorkerIdentity,
    WorkOrder,
    read_order,
    write_identity,
)
from trainer_service.stop_switch import StopRequested, StopSwitch


def main(arguments: list[str]) -> int:
    """Run the attempt; returns 0 however it ended in order, because the spool says how."""
    folder = Path(arguments[1])
    stop = StopSwitch()
    signal.signal(signal.SIGTERM, lambda *_: stop.request())
    lock = take_lock(folder)
    if lock is None:
        return 0  # another worker is here
    with lock:
        if not (folder / SPOOL_FILE).exists():  # else one was here: an attempt runs once
            run_attempt(folder, stop)
    return 0


def run_attempt(folder: Path, stop: StopSwitch) -> None:
    """Say who works here, do what the order says, and leave a spool that ends in order."""
    order = read_order(folder)
    write_identity(folder, own_identity(order))
    with EventSpool(folder / SPOOL_FILE) as spool:
        spool.write(last_word(order, spool, stop))


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


def last_word(order: WorkOrder, spool: EventSpool, stop: StopSwitch) -> LastWord:
    """Do what the order says and return how it ended; whatever happens, it ends in one of three."""
    try:
        # Not above: torch takes seconds to import, and the supervisor waits for the identity.
        from trainer_service.run_job import run_job

        stop.check()
        return run_job(order, spool.write, stop)
    except StopRequested as stopped:
        return stopped.word
    except VertebraError as error:
        return Failed(reason=error.error_reason, message=error.message)
    except Exception as error:
        traceback.print_exc()
        return failure_of(error, order)


def failure_of(error: Exception, order: WorkOrder) -> Failed:
    """Return what to tell people about an error that nobody named."""
    if is_out_of_memory(error):
        return Failed(
            reason="OUT_OF_MEMORY",
            message=f"{order.model.recipe.architecture_id} with batches of {order.spec.batch_size}"
            f" images does not fit the memory of the {order.device}: use smaller batches or images,"
            " or freeze more",
        )
    if is_out_of_room(error):
        folder = Path(order.export_dir).parent
        return Failed(
            reason=DiskFull.reason,
            message=f"no room to write below {str(folder)!r}: make room there, or give the trainer"
            " another home folder, and start the job again",
        )
    return Failed(
        reason="INTERNAL",
        message=f"{type(error).__name__} in the worker; the attempt's log.txt has the details",
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv))
