"""The kernel kills a worker that takes more memory than the host has: the job says that, and not
only that its worker died.
"""

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes import supervisor_program
from tests.fakes.fake_catalog_gateway import FakeCatalogGateway
from tests.fakes.job_values import job_spec
from tests.fakes.memory_group import inside, little_memory, own_group
from tests.fakes.supervisor_program import rooms_of
from trainer_service.job_store import JobStore, NewJob
from trainer_service.jobs import ExitClass, JobState, RunSpec

LIMIT_BYTES = 400 << 20
PATIENCE_S = 120.0


@contextmanager
def supervised_with_little_memory(home: Path, script: Path) -> Iterator[None]:
    """Let a supervisor and its workers run in a small group."""
    parent = own_group()
    if parent is None:
        pytest.skip("no memory control group in which others can be made")
    program = [sys.executable, str(supervisor_program.__file__), str(home), str(script)]
    with (
        little_memory(parent, LIMIT_BYTES) as group,
        subprocess.Popen(inside(group, program), env=os.environ) as process,
    ):
        try:
            yield
        finally:
            process.kill()
            process.wait()


def failed_job(store: JobStore, job_id: str) -> None:
    """Wait for the job's failure."""
    deadline = time.monotonic() + PATIENCE_S
    while store.look(job_id).state is not JobState.FAILED:
        assert time.monotonic() < deadline, store.look(job_id).state
        time.sleep(0.05)


def test_a_worker_that_the_kernel_killed_for_memory_is_told_apart_from_a_crash(
    tmp_path: Path,
) -> None:
    script = tmp_path / "script.json"
    script.write_text(json.dumps({"steps": 1, "end": "eats"}))
    store = rooms_of(tmp_path, script, FakeCatalogGateway()).store
    spec = replace(job_spec(), run=RunSpec(max_failures=0))
    new = NewJob(spec=spec, sent_spec="{}", request_id=str(uuid.uuid4()), request_hash="h")
    job_id = store.create_job(new).job.job_id

    with supervised_with_little_memory(tmp_path, script):
        failed_job(store, job_id)

    (attempt,) = store.attempts(job_id)
    failure = store.find_job(job_id).failure
    store.close()
    assert attempt.end is not None
    assert attempt.end.exit_class is ExitClass.HOST_OUT_OF_MEMORY
    assert failure is not None
    assert failure.reason == "HOST_OUT_OF_MEMORY"
    assert "use smaller batches or images, or let fewer jobs run at once" in failure.message
