"""What a client makes of the details that travel with a failed call."""

import copy
import subprocess
import sys
from pathlib import Path

import grpc
import pytest

from catalog_service.errors import Link, Precondition
from catalog_service.serving.status import failure_of
from tests.clients.python.conftest import Serve
from tests.fakes.fake_trainer import FakeTrainer
from vertebra.client_errors import AnswerRefused, from_rpc_error
from vertebra.event_cursor import EventGap, EventsCompacted
from vertebra.torch import BackboneMismatch


class FailedCall(grpc.RpcError):
    """A call that ended as the services end it."""

    def __init__(self, error: Exception) -> None:
        self.failure = failure_of(error, "request-1")

    def code(self) -> grpc.StatusCode:
        return self.failure.code

    def details(self) -> str:
        return self.failure.message

    def trailing_metadata(self) -> tuple[tuple[str, bytes], ...]:
        return (("grpc-status-details-bin", self.failure.details),)


def test_reason_metadata_and_pages_arrive() -> None:
    page = Link(text="ask for access", url="https://hub.example/owner/name")
    error = Precondition(
        "m", reason="WEIGHTS_GATED", metadata={"gate": "PENDING", "step.1": "a: b"}, links=[page]
    )

    failed = from_rpc_error(FailedCall(error), "here:1")

    assert (failed.reason, failed.metadata["gate"]) == ("WEIGHTS_GATED", "PENDING")
    assert [(link.text, link.url) for link in failed.links] == [(page.text, page.url)]


PROCESSES = """
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from vertebra.trainer_client import TrainerClient
from vertebra.client_errors import RpcFailed

def ask(address):
    with TrainerClient(address) as trainer:
        return trainer.get("nope").job_id

if __name__ == "__main__":
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            pool.submit(ask, sys.argv[1]).result()
        except RpcFailed as failure:
            print(failure.code.name, failure.reason, failure)
"""


def test_a_failure_comes_out_of_another_process_as_it_was(
    trainer: FakeTrainer, serve: Serve, tmp_path: Path
) -> None:
    """Data loaders and pools send exceptions on; one that cannot be made again breaks the pool."""
    program = tmp_path / "program.py"
    program.write_text(PROCESSES)

    done = subprocess.run(
        [sys.executable, program, serve(trainer)], capture_output=True, text=True, check=True
    )

    assert done.stdout == "NOT_FOUND JOB_NOT_FOUND no job 'nope'\n"


@pytest.mark.parametrize(
    "error",
    [
        AnswerRefused("no", reason="LIE"),
        EventsCompacted("trainJobs/a", EventGap(first_seq=1, last_seq=2)),
        BackboneMismatch("a.ckpt", missing=["x"], misshapen={}, uncovered=[]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_every_failure_can_be_copied(error: Exception) -> None:
    made = copy.copy(error)

    assert (type(made), str(made), vars(made)) == (type(error), str(error), vars(error))
