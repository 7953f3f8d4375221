"""The driver of one attempt on a Ray cluster: `python -m ... <attempt folder>`.

It takes a place for every rank, starts the ranks, watches over them and ends when they did. It
trains nothing and says nothing in the spool: rank 0 does. What it knows of an end that no rank
could tell of is left in `end.json`.
"""

import fcntl
import logging
import math
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import ActorUnavailableError, GetTimeoutError, RayActorError, RayError
from ray.util.placement_group import PlacementGroup, placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from trainer_service.engines.process import NONCE_VARIABLE, THREAD_VARIABLES, WAITING_VARIABLES
from trainer_service.engines.ray import ADDRESS_VARIABLE
from trainer_service.engines.ray_rank import RankHost
from trainer_service.jobs import (
    LOG_FILE,
    AttemptEnd,
    ExitClass,
    WorkOrder,
    read_control,
    read_order,
    write_end,
)
from trainer_service.rank_place import part_done_file

POLL_S = 0.5
ANSWER_S = 30.0
"""How long an actor may take to say how its worker is: a busy node is not a lost one."""
SAY_S = 10.0
"""How long rank 0 has to say why another rank ended."""
CONNECT_S = 10.0
HANDED_ON = (NONCE_VARIABLE, *THREAD_VARIABLES, *WAITING_VARIABLES, "PYTHONUNBUFFERED")
MEMORY_WORDS = ("low on memory", "OutOfMemory", "OOM")
"""Source: ray's own words, ray.exceptions and src/ray/raylet/worker_killing_policy.cc."""

Rank = Any
"""A handle of an actor; Ray makes their types at run time."""

log = logging.getLogger("ray_driver")


class Driver:
    """Runs the ranks of one order."""

    def __init__(self, order: WorkOrder, folder: Path) -> None:
        self._order = order
        self._folder = folder
        self._is_told = False
        """Whether a signal came that the ranks have not been told of."""

    def look(self, *_: object) -> None:
        """Note that a signal came: the ranks are to look at what they are told."""
        self._is_told = True

    def run(self) -> AttemptEnd | None:
        """Return how the attempt ended; None where rank 0 says it in its spool."""
        places = self._places()
        if not self._wait_for(places):
            return None
        ranks = self._ranks(places)
        try:
            self._start(ranks)
            return self._watch(ranks)
        finally:
            for rank in ranks:
                ray.kill(rank)

    def _places(self) -> PlacementGroup:
        """Ask for a place for every rank: all of them or none, close together where possible."""
        on_gpu = self._order.device == "cuda"
        needs = {"GPU": 1.0, "CPU": 1.0} if on_gpu else {"CPU": float(self._order.num_threads)}
        wanted = [needs] * self._order.num_ranks
        places: PlacementGroup = placement_group(wanted, strategy="PACK")
        return places

    def _wait_for(self, places: PlacementGroup) -> bool:
        """Return once the cluster has room; False if the attempt is not wanted any more."""
        log.info("waiting for %d places, each %s", len(places.bundle_specs), places.bundle_specs[0])
        while not places.wait(timeout_seconds=1):
            if self._is_told or read_control(self._folder).command != "go_on":
                return False
        return True

    def _ranks(self, places: PlacementGroup) -> list[Rank]:
        num_gpus = 1 if self._order.device == "cuda" else 0
        actor: Rank = ray.remote(RankHost)
        return [
            actor.options(
                num_cpus=0,
                num_gpus=num_gpus,
                max_restarts=0,
                scheduling_strategy=PlacementGroupSchedulingStrategy(
                    places, placement_group_bundle_index=number
                ),
            ).remote()
            for number in range(self._order.num_ranks)
        ]

    def _start(self, ranks: Sequence[Rank]) -> None:
        nodes = ray.get([rank.node_id.remote() for rank in ranks])
        address, port = ray.get(ranks[0].meeting_point.remote())
        handed_on = {name: os.environ[name] for name in HANDED_ON if name in os.environ}
        shared = {
            **handed_on,
            "WORLD_SIZE": str(len(ranks)),
            "MASTER_ADDR": address,
            "MASTER_PORT": str(port),
        }
        log.info("%d ranks on nodes %s meet at %s:%d", len(ranks), nodes, address, port)
        for number, rank in enumerate(ranks):
            places = {"RANK": str(number), "LOCAL_RANK": "0"}  # each sees its own device only
            ray.get(
                rank.start.remote(
                    str(self._folder), str(self._folder / LOG_FILE), {**shared, **places}
                )
            )

    def _watch(self, ranks: Sequence[Rank]) -> AttemptEnd | None:
        """Return when rank 0 ended, or another one in a way that ends the attempt. Ranks above 0
        end when training is over; rank 0 still exports then.
        """
        give_up_at = math.inf
        while True:
            self._hand_on(ranks)
            codes = [self._poll(number, rank) for number, rank in enumerate(ranks)]
            lost = next((code for code in codes if isinstance(code, AttemptEnd)), None)
            if lost is not None:
                return lost
            if codes[0] == 0:
                return None
            broken = [
                number
                for number, code in enumerate(codes)
                if code and not part_done_file(self._folder, number).exists()
            ]
            if broken:  # rank 0 may know why, and say it
                give_up_at = min(give_up_at, time.monotonic() + SAY_S)
            if 0 in broken or time.monotonic() > give_up_at:
                return _crashed(broken[0], codes[broken[0]])
            time.sleep(POLL_S)

    def _hand_on(self, ranks: Sequence[Rank]) -> None:
        """Make the ranks look at what they are told, where a signal says so."""
        if self._is_told:
            self._is_told = False
            for rank in ranks:
                rank.terminate.remote()

    def _poll(self, number: int, rank: Rank) -> int | AttemptEnd | None:
        """Return a rank's exit code; None while it runs, or while its node does not answer."""
        try:
            code: int | None = ray.get(rank.poll.remote(), timeout=ANSWER_S)
            return code
        except (GetTimeoutError, ActorUnavailableError) as error:
            log.warning("rank %d does not answer: %s", number, type(error).__name__)
            return None  # a busy node, or one that Ray has not given up yet
        except RayActorError as error:
            return _lost(number, error)


def _crashed(number: int, code: object) -> AttemptEnd:
    return AttemptEnd(
        exit_class=ExitClass.CRASHED,
        reason="WORKER_CRASHED",
        detail=f"rank {number} ended with {code} (a negative number is a signal)",
    )


def _lost(number: int, error: RayActorError) -> AttemptEnd:
    """Return the end of an attempt one of whose actors is gone. Actors do nothing that could break
    them: the node went, or something on it killed them.
    """
    said = " ".join(str(error).split())
    if any(words in said for words in MEMORY_WORDS):
        return AttemptEnd(
            exit_class=ExitClass.HOST_OUT_OF_MEMORY,
            reason="HOST_OUT_OF_MEMORY",
            detail=f"Ray killed rank {number}, whose node ran out of memory ({said[:300]})",
        )
    return AttemptEnd(
        exit_class=ExitClass.HOST_LOST,
        reason="HOST_LOST",
        detail=f"the Ray cluster lost a node, and rank {number} with it ({said[:300]})",
    )


def require_answer(address: str) -> None:
    """Raise ConnectionError if nobody is there. Ray itself asks for minutes before it says so."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host:
        return  # `auto` and the like: Ray looks for the cluster on this host
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_S).close()
    except (OSError, ValueError) as error:
        raise ConnectionError(f"no cluster answers at {address!r}: {error}") from error


def main(arguments: list[str]) -> int:
    """Drive the attempt in the folder; returns 0 where the folder says how it ended."""
    logging.basicConfig(level=logging.INFO, format="ray driver: %(message)s", stream=sys.stderr)
    folder = Path(arguments[1])
    with (folder / "driver.lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return 0  # another driver is here
        driver = Driver(read_order(folder), folder)
        signal.signal(signal.SIGTERM, driver.look)
        try:
            address = os.environ[ADDRESS_VARIABLE]
            require_answer(address)
            ray.init(address=address, log_to_driver=False)
            end = driver.run()
        except (RayError, ConnectionError, RuntimeError) as error:
            log.exception("the cluster failed")
            end = AttemptEnd(
                exit_class=ExitClass.HOST_LOST,
                reason="RAY_UNREACHABLE",
                detail=f"the Ray cluster failed: {type(error).__name__}: {error}"[:500],
            )
        if end is not None:
            write_end(folder, end)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
