"""The TypeScript client against services that lie and streams that break."""

import base64
from pathlib import Path

import pytest

from tests.clients.typescript.node_suite import Outcomes, names_in, run_suite
from tests.fakes.fake_server import running_server
from tests.fakes.fake_trainer import FakeTrainer, training_script
from tests.fakes.lying_services import BLOB, JOB, LyingServices, lying_services


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[LyingServices, Outcomes]:
    """Return the services, and what became of each test."""
    folder = tmp_path_factory.mktemp("lies")
    stuck = FakeTrainer(script=training_script(), num_hanging=100)
    stuck.keep(JOB)
    with lying_services() as services, running_server(stuck.add_to) as stuck_address:
        given = {
            "addresses": {**services.addresses, "stuck": stuck_address},
            "job": JOB,
            "numEvents": len(training_script()),
            "blob": base64.b64encode(BLOB).decode(),
            "folder": str(subfolder(folder)),
        }
        return services, run_suite("lies", given, folder)


def subfolder(folder: Path) -> Path:
    """Return a new folder below `folder`."""
    files = folder / "files"
    files.mkdir()
    return files


@pytest.mark.parametrize("name", names_in("lies"))
def test_the_client(name: str, told: tuple[LyingServices, Outcomes]) -> None:
    assert told[1].get(name, "it was not run") == ""


def test_every_attempt_of_a_call_has_the_same_request_id(
    told: tuple[LyingServices, Outcomes],
) -> None:
    ids = told[0].fakes["flaky"].request_ids

    assert len(ids) == 4
    assert len(set(ids)) == 1 and ids[0]


def test_only_what_was_missing_of_a_blob_is_asked_for_again(
    told: tuple[LyingServices, Outcomes],
) -> None:
    assert told[0].fakes["blob-break"].blobs.offsets_asked == [0, 3000, 3000, 7000]
