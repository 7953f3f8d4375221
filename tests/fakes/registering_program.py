"""Registers a checkpoint in child processes that are killed on the way; run as a program.

    python registering_program.py HOME FILE NUM_KILLS SEED

Every second child dies at a step of its own, the steps in turn, so that each is met however fast
the machine is; the others are killed from outside at random moments. Prints one JSON line a kill:
what it left, and whether everything that is listed is whole. The children are forked from a process
that has imported everything, so a kill costs no start.
"""

import json
import os
import random
import signal
import sys
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch

from catalog_service.blobs import store
from catalog_service.blobs.blob_writer import BlobWriter
from catalog_service.blobs.store import BlobStore
from catalog_service.checkpoints import registry
from catalog_service.checkpoints.registry import Registry
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models import build_parts
from catalog_service.models.lineage import Lineage
from catalog_service.resolve.checkpoint_files import CheckpointFiles
from catalog_service.resolve.definitions import Definitions
from catalog_service.resolve.fitting import Fitting
from catalog_service.resolve.registrar import Registrar
from catalog_service.resolve.registration import Registration
from catalog_service.worker_pool import WorkerPool

STEPS = ("half a piece", "whole, not named", "named", "listed, not committed", "committed")
"""Where a child dies by itself: within a piece of the staged file that is drawn; and so on."""

FUNCTIONS = {
    "describe_model": build_parts.describe_model,
    "fit_backbone": build_parts.fit_backbone,
}


class ThisProcess:
    """A worker pool without processes."""

    def call(self, function: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the worker's function answers, through the same JSON."""
        order = json.loads(json.dumps(dict(arguments)))
        answer: dict[str, Any] = json.loads(json.dumps(FUNCTIONS[function](order)))
        return answer


def main() -> None:
    """Kill and look, as often as asked."""
    home, file = Path(sys.argv[1]), Path(sys.argv[2])
    num_kills, rng = int(sys.argv[3]), random.Random(int(sys.argv[4]))
    torch.set_num_threads(1)  # a forked child has none of the threads that it would wait for
    index, definitions = CatalogIndex.load(), Definitions(cast(WorkerPool, ThisProcess()))
    whole_s = _whole(home / "warm", file, index, definitions)
    _say({"registering_s": whole_s})
    for number in range(num_kills):
        step = STEPS[number // 2 % len(STEPS)] if number % 2 else ""
        num_bytes = rng.randrange(1, file.stat().st_size)
        child = os.fork()
        if child == 0:
            _die_at(step, num_bytes)
            _register(home, file, f"c{number}", index, definitions)
            os._exit(0)
        if not step:
            time.sleep(rng.uniform(0.0, 1.2 * whole_s))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        left = _left(home, f"c{number}", was_killed=os.WIFSIGNALED(status))
        _say({"step": step, "num_bytes": num_bytes, **left})


def _die_at(step: str, num_bytes: int) -> None:
    """Let this process die by SIGKILL when it reaches a step; "" is none."""
    match step:
        case "half a piece":
            _die_within_a_piece(num_bytes)
        case "whole, not named":
            _die_around(store, "move_sealed", before=True)
        case "named":
            _die_around(store, "move_sealed", before=False)
        case "listed, not committed":
            _die_around(registry, "_note", before=False)
        case "committed":
            _die_around(Registry, "add", before=False)


def _die_within_a_piece(num_bytes: int) -> None:
    """Die when so many bytes of a staged file are on the disk."""
    write = BlobWriter.write

    def mortal(writer: BlobWriter, data: bytes | memoryview) -> None:
        rest = num_bytes - writer.size_bytes
        write(writer, memoryview(data)[:rest])
        if rest <= len(data):
            os.kill(os.getpid(), signal.SIGKILL)

    BlobWriter.write = mortal  # type: ignore[method-assign]


def _die_around(place: Any, name: str, *, before: bool) -> None:
    original = getattr(place, name)

    def mortal(*given: Any, **named: Any) -> None:
        if not before:
            original(*given, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(place, name, mortal)


def _whole(home: Path, file: Path, index: CatalogIndex, definitions: Definitions) -> float:
    """Register once for the layouts, and once more to see how long it takes."""
    _register(home, file, "first", index, definitions)
    begin = time.monotonic()
    _register(home, file, "second", index, definitions)
    return time.monotonic() - begin


def _register(
    home: Path, file: Path, checkpoint_id: str, index: CatalogIndex, definitions: Definitions
) -> None:
    blobs, entries = BlobStore(home / "blobs"), Registry(f"sqlite:///{home / 'catalog.db'}")
    fitting = Fitting(store=blobs, pool=cast(WorkerPool, ThisProcess()), definitions=definitions)
    files = CheckpointFiles(blobs, [file.parent])
    registrar = Registrar(index=index, registry=entries, files=files, fitting=fitting)
    registrar.register(
        Registration(
            request_id=str(uuid.uuid5(uuid.NAMESPACE_URL, checkpoint_id)),
            checkpoint_id=checkpoint_id,
            architecture_id="shufflenet_v2_x0_5",
            blob_name="",
            path=str(file),
            lineage=Lineage(),
            metrics={},
            mean=(),
            std=(),
        )
    )
    entries.close()


def _left(home: Path, checkpoint_id: str, *, was_killed: bool) -> dict[str, object]:
    """Return what a kill left behind, seen by a process that starts afterwards."""
    blobs, entries = BlobStore(home / "blobs"), Registry(f"sqlite:///{home / 'catalog.db'}")
    listed = entries.all()
    whole = [blobs.find(one.blob_digest) and blobs.verify(one.blob_digest) for one in listed]
    broken_blobs = [path.name for path in _blobs(blobs) if not blobs.verify(f"sha256:{path.name}")]
    entries.close()
    staged = [path.stat().st_size for path in (blobs.root / "staging").iterdir()]
    blobs.sweep_staging(older_than_s=0)
    return {
        "was_killed": was_killed,
        "is_listed": checkpoint_id in {one.checkpoint_id for one in listed},
        "all_whole": all(whole) and all(one.has_bytes for one in listed),
        "broken_blobs": broken_blobs,
        "num_blobs": len(_blobs(blobs)),
        "staged_bytes": sum(staged),
        "num_staged": len(staged),
    }


def _blobs(blobs: BlobStore) -> list[Path]:
    return [path for path in (blobs.root / "sha256").glob("*/*") if path.is_file()]


def _say(line: dict[str, object]) -> None:
    sys.stdout.write(f"{json.dumps(line)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
