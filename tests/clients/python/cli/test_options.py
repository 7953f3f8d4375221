"""What `--filter` and `--order-by` say is what the services take."""

import re
from pathlib import Path

import pytest

from tests.clients.live_services import Live, live_services
from vertebra.cli.main import run
from vertebra.cli.options import LISTS

PROTOS = Path(__file__).resolve().parents[4] / "protos" / "vertebra"

COMMANDS = {
    "architectures": ("models", "ls"),
    "weights": ("weights", "ls"),
    "compositions": ("models", "compose"),
    "checkpoints": ("checkpoints", "ls"),
    "cache": ("cache", "ls"),
    "jobs": ("jobs", "ls"),
}

REQUESTS = {
    "architectures": "catalog/v1/architecture_service.proto ListArchitecturesRequest",
    "weights": "catalog/v1/weights_service.proto ListWeightsRequest",
    "compositions": "catalog/v1/model_service.proto ListCompositionsRequest",
    "checkpoints": "catalog/v1/checkpoint_service.proto ListCheckpointsRequest",
    "cache": "catalog/v1/storage_service.proto ListEntriesRequest",
}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory):
    """Both real services."""
    with live_services(tmp_path_factory.mktemp("live")) as live:
        yield live


@pytest.mark.parametrize("listed", list(LISTS))
def test_the_examples_in_the_help_are_taken(
    listed: str,
    live: Live,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in live.variables.items():
        monkeypatch.setenv(name, value)
    row = LISTS[listed]

    code = run([*COMMANDS[listed], "--filter", row.filter_example, "--order-by", row.order_example])

    assert code == 0, capsys.readouterr().err


@pytest.mark.parametrize("listed", list(REQUESTS))
def test_the_fields_in_the_help_are_the_contracts(listed: str) -> None:
    file, message = REQUESTS[listed].split()
    text = (PROTOS / file).read_text().partition(f"message {message} {{")[2]
    comment = " ".join(re.findall(r"// (.*)", text.partition("string filter")[0]))
    told = re.sub(r"\([^)]*\)", "", comment.partition("Fields: ")[2].partition(". ")[0])
    wanted = {word for word in re.findall(r"[a-z_]+", told) if word != "and"}

    assert set(re.findall(r"[a-z_]+", LISTS[listed].fields)) - {"and"} == wanted
