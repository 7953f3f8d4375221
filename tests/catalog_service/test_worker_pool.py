"""Workers answer, fail clearly, are replaced when they die, and leave no orphan."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from catalog_service.errors import InvalidRequest, VertebraError
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.recipe import Recipe
from catalog_service.worker_pool import WorkerDied, WorkerPool

WAIT_S = 60.0


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    """One worker; torch is imported once for all these tests, and once more for each that dies."""
    pool = WorkerPool(1)
    yield pool
    pool.close()


def recipe(name: str = "squeezenet1_1") -> dict[str, object]:
    return CatalogIndex.load().recipe_for(name).to_json()


def wait_until_gone(pids: tuple[int, ...]) -> None:
    deadline = time.monotonic() + WAIT_S
    while any(psutil.pid_exists(pid) and not is_zombie(pid) for pid in pids):
        assert time.monotonic() < deadline, f"still there: {pids}"
        time.sleep(0.05)


def is_zombie(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def test_a_worker_that_cannot_start_ends_with_its_own_status(tmp_path: Path) -> None:
    """Its output ends before it does: an interpreter takes a while to finish."""
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nexec 1>&- 0<&-\nsleep 0.2\nexit 3\n")
    program.chmod(0o755)
    pool = WorkerPool(1, python=str(program))

    with pytest.raises(WorkerDied, match=r"\(exit status 3\)"):
        pool.call("describe_model", {"recipe": recipe()})


def test_a_worker_describes_a_model_and_this_process_never_imports_torch() -> None:
    program = (
        "import sys\n"
        "from catalog_service.worker_pool import WorkerPool\n"
        "from catalog_service.index.catalog_index import CatalogIndex\n"
        "pool = WorkerPool(1)\n"
        "recipe = CatalogIndex.load().recipe_for('squeezenet1_1').to_json()\n"
        "print(pool.call('describe_model', {'recipe': recipe})['num_parameters'])\n"
        "print('torch' in sys.modules)\n"
        "pool.close()\n"
    )

    output = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    ).stdout.split()

    assert output == ["1235496", "False"]


def test_an_error_arrives_as_the_kind_that_it_was(pool: WorkerPool) -> None:
    recipe = Recipe(
        builder="torchvision/resnet18", arguments={}, library="", head={"kind": "crystal ball"}
    )

    with pytest.raises(InvalidRequest) as caught:
        pool.call("describe_model", {"recipe": recipe.to_json()})

    assert isinstance(caught.value, VertebraError)
    assert "crystal ball" in caught.value.message


def test_a_bug_is_not_taken_for_the_callers_mistake(pool: WorkerPool) -> None:
    with pytest.raises(RuntimeError, match="KeyError"):
        pool.call("no such function", {})


def test_workers_run_at_low_priority(pool: WorkerPool) -> None:
    pool.call("ping", {})

    assert [psutil.Process(pid).nice() for pid in pool.pids()] == [psutil.Process().nice() + 10]


def test_a_dead_worker_fails_one_call_clearly_and_is_replaced(pool: WorkerPool) -> None:
    [pid] = pool.pids() or (pool.call("ping", {})["pid"],)
    threading.Timer(0.3, os.kill, (pid, signal.SIGKILL)).start()

    with pytest.raises(WorkerDied, match=r"ended during .* \(signal 9\); it was replaced"):
        while True:
            pool.call("describe_model", {"recipe": recipe("densenet201")})

    answer = pool.call("ping", {})
    assert answer["pid"] != pid


def test_closing_ends_the_workers(pool: WorkerPool) -> None:
    own = WorkerPool(2)
    own.prewarm()
    pids = own.pids()

    own.close()

    assert len(pids) == 2
    wait_until_gone(pids)
    with pytest.raises(WorkerDied, match="shutting down"):
        own.call("ping", {})


def test_workers_do_not_outlive_a_parent_that_is_killed() -> None:
    program = (
        "import time\n"
        "from catalog_service.worker_pool import WorkerPool\n"
        "pool = WorkerPool(2)\n"
        "pool.prewarm()\n"
        "print(*pool.pids(), flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pids = tuple(int(pid) for pid in parent.stdout.readline().split())

    parent.kill()
    parent.wait()
    parent.stdout.close()

    assert len(pids) == 2
    wait_until_gone(pids)


def test_a_recipe_survives_the_trip() -> None:
    """What travels to the worker is JSON of the same value."""
    assert Recipe.from_json(recipe()).to_json() == recipe()
