"""A worker's processes are found again, described when they die, and all gone when killed."""

import os
import re
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.fakes.job_values import job_model, job_spec
from trainer_service.engines.process import NONCE_VARIABLE, ProcessEngine
from trainer_service.jobs import WorkerIdentity, WorkOrder, write_order

SLEEPS = "import time; time.sleep(600)"
WITH_CHILD = (
    f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', '{SLEEPS}']); {SLEEPS}"
)


@pytest.fixture
def run(tmp_path):
    """Start a Python program as a worker; whatever is left of it is killed in the end."""
    started = []

    def start(program: str, nonce: str = "n1", **environment: str):
        engine = engine_for(program, **environment)
        worker = engine.start(tmp_path, nonce)
        started.append(worker)
        return engine, worker

    yield start
    for worker in started:
        worker.kill()
        wait_until(lambda worker=worker: not worker.processes())


def engine_for(program: str, **environment: str) -> ProcessEngine:
    return ProcessEngine(
        environment=dict(os.environ) | environment,
        num_threads=3,
        command=(sys.executable, "-c", program),
    )


def wait_until(is_so, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it never came to be so"
        time.sleep(0.02)


def test_a_worker_gets_its_own_session_threads_and_log(run, tmp_path):
    program = (
        "import os, sys; print(os.getsid(0) == os.getpid(), os.environ['OMP_NUM_THREADS'],"
        " os.environ['VERTEBRA_WORKER_NONCE'], 'PYTHONDONTWRITEBYTECODE' in os.environ)"
    )

    _, worker = run(program, PYTHONDONTWRITEBYTECODE="1")
    wait_until(lambda: not worker.is_alive())

    assert (tmp_path / "log.txt").read_text() == "True 3 n1 False\n"
    assert worker.exit_code == 0


@pytest.mark.parametrize(
    ("handles", "seen"), [(("GPU-a", "GPU-b", "GPU-c"), "GPU-c,GPU-a PCI_BUS_ID"), ((), "7 -")]
)
def test_a_worker_sees_the_gpus_of_its_order_and_no_others(tmp_path, monkeypatch, handles, seen):
    """Where the host has none, nothing is hidden: the operator's own word holds."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    monkeypatch.delenv("CUDA_DEVICE_ORDER", raising=False)
    order = WorkOrder(
        job_id="a",
        attempt=1,
        nonce="n1",
        spec=job_spec(),
        model=job_model(),
        export_dir=str(tmp_path / "export"),
        num_threads=1,
        device_indices=(2, 0),
    )
    write_order(tmp_path, order)
    program = (
        "import os; print(os.environ['CUDA_VISIBLE_DEVICES'],"
        " os.environ.get('CUDA_DEVICE_ORDER', '-'))"
    )
    engine = ProcessEngine(
        environment=os.environ,
        num_threads=1,
        command=(sys.executable, "-c", program),
        device_handles=handles,
    )

    worker = engine.start(tmp_path, "n1")
    wait_until(lambda: not worker.is_alive())

    assert (tmp_path / "log.txt").read_text() == f"{seen}\n"


@pytest.mark.parametrize(("service", "worker"), [({}, "1000"), ({"GOMP_SPINCOUNT": "5"}, "5")])
def test_threads_that_wait_leave_the_cores_to_others_unless_the_operator_says_otherwise(
    run, monkeypatch, tmp_path, service, worker
):
    """Spinning threads made a step 5 times slower where another process wanted the cores."""
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)

    _, process = run("import os; print(os.environ['GOMP_SPINCOUNT'])", **service)
    wait_until(lambda: not process.is_alive())

    assert (tmp_path / "log.txt").read_text() == f"{worker}\n"


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("raise SystemExit(3)", "exit code 3"),
        ("import os; os.kill(os.getpid(), 9)", "signal 9 .SIGKILL.; the system kills so"),
        ("import os; os.kill(os.getpid(), 11)", "signal 11 .SIGSEGV."),
        ("import os; os.kill(os.getpid(), 40)", "signal 40 .a real-time signal."),
    ],
)
def test_how_a_worker_ended_is_said_in_words(run, program, words):
    _, worker = run(program)

    wait_until(lambda: not worker.is_alive())

    assert re.search(words, worker.how_it_ended())


def test_a_worker_is_found_again_by_its_nonce_alone(run):
    engine, worker = run(SLEEPS)
    wait_until(lambda: engine.find("n1", None).is_alive())  # its program, no longer ours

    found = engine.find("n1", None)

    assert found.pid == worker.pid
    assert found.is_alive()
    assert not engine.find("another", None).is_alive()


def test_a_pid_that_another_process_has_now_is_not_the_worker(run):
    engine, worker = run(SLEEPS, nonce="theirs")
    identity = WorkerIdentity(pid=worker.pid, start_time=0.0, nonce="mine")

    found = engine.find("mine", identity)

    assert not found.is_alive()
    found.kill()
    assert worker.is_alive()


def test_children_belong_to_the_worker_and_die_with_it(run):
    engine, worker = run(WITH_CHILD)
    wait_until(lambda: len(worker.processes()) == 2)

    os.kill(worker.pid, signal.SIGKILL)
    wait_until(lambda: not worker.is_alive())

    assert len(worker.processes()) == 1
    assert len(engine.find("n1", None).processes()) == 1
    worker.kill()
    wait_until(lambda: not worker.processes())


def test_a_group_member_without_the_nonce_is_found_too(run):
    hidden = WITH_CHILD.replace(
        "[sys.executable", f"['env', '-u', '{NONCE_VARIABLE}', sys.executable"
    )

    _, worker = run(hidden)

    wait_until(lambda: len(worker.processes()) == 2)


def test_a_worker_inherits_no_open_file(run, tmp_path):
    """A pipe or socket that lives on in a worker would keep somebody waiting for its end."""
    log = str(tmp_path / "log.txt")
    with (tmp_path / "open").open("w") as held:
        os.set_inheritable(held.fileno(), True)
        _, worker = run(f"print('here', flush=True); {SLEEPS}")
        wait_until(lambda: Path(log).read_text() != "")

        files = sorted(str(path.readlink()) for path in Path(f"/proc/{worker.pid}/fd").iterdir())

    assert files == ["/dev/null", log, log]


def test_dropping_a_worker_leaves_it_alone(run):
    engine, worker = run(SLEEPS)
    wait_until(lambda: engine.find("n1", None).is_alive())  # its program, no longer ours
    found = engine.find("n1", None)

    del worker

    assert found.is_alive()


ONE_THREAD_LEFT = (
    "import ctypes, threading, time;"
    " threading.Thread(target=time.sleep, args=(600,)).start();"
    " ctypes.CDLL(None).pthread_exit(None)"
)


def test_a_worker_is_not_gone_while_one_of_its_threads_runs(run):
    """It looks like a zombie, and still holds its memory."""
    engine, worker = run(ONE_THREAD_LEFT)
    process = psutil.Process(worker.pid)
    identity = WorkerIdentity(pid=worker.pid, start_time=process.create_time(), nonce="n1")
    wait_until(lambda: process.status() == psutil.STATUS_ZOMBIE)
    found = engine.find("n1", identity)

    assert worker.is_alive()
    assert found.is_alive()
    assert [one.pid for one in found.processes()] == [worker.pid]
    found.kill()
    wait_until(lambda: not worker.processes())
