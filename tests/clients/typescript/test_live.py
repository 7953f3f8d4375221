"""The TypeScript client against the real services, direct and through the gateway."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from google.protobuf import json_format

from tests.clients.typescript.node_suite import Outcomes, names_in, run_suite
from tests.services import running_catalog, running_trainer
from vertebra.gateway import Gateway, running_gateway
from vertebra.trainer_client import TrainerClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became of each test, what its files are, and where the trainer still runs."""

    outcomes: Outcomes
    files: Path
    trainer: str


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """Run node's tests against both services and a gateway."""
    home = tmp_path_factory.mktemp("live")
    files = home / "files"
    files.mkdir()
    with (
        running_catalog(home / "catalog") as catalog,
        running_trainer(home / "trainer", catalog) as trainer,
        running_gateway(
            Gateway(catalog=catalog.address, trainer=trainer.address, listen="127.0.0.1:0"),
            home / "gateway",
        ) as gateway,
    ):
        given = {
            "catalog": catalog.address,
            "trainer": trainer.address,
            "gateway": gateway.address,
            "folder": str(files),
        }
        outcomes = run_suite("live", given, home)
        yield Told(outcomes=outcomes, files=files, trainer=trainer.address)


@pytest.mark.parametrize("name", names_in("live"))
def test_the_client(name: str, told: Told) -> None:
    assert told.outcomes.get(name, "it was not run") == ""


def test_what_was_watched_is_what_is_stored(told: Told) -> None:
    watched = json.loads((told.files / "events.json").read_text())

    with TrainerClient(told.trainer) as client:
        stored = [json_format.MessageToDict(one) for one in client.history(watched["job"])]

    assert watched["events"] == stored
