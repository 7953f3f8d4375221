"""The page's Go example against the real services: what it prints, and what it leaves."""

import hashlib
from pathlib import Path

import pytest

from tests.clients.go.conftest import MODULE
from tests.clients.live_services import Live, live_services, shown_on_page, told_by
from tests.end_to_end.test_readme import assert_told
from vertebra.state_file import read_header


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    """Both real services."""
    with live_services(tmp_path_factory.mktemp("live")) as live:
        yield live


def test_the_example_lists_builds_saves_trains_fetches_and_registers(live: Live, tmp_path: Path):
    """As the page shows it; both files are whole, and the backbone is the trainer's own."""
    shown = shown_on_page("From Go")

    told = told_by(live, f"{shown.command}-out {tmp_path}", MODULE)

    assert_told(told, shown, tmp_path)
    assert len(read_header(tmp_path / "resnet18.safetensors")) == 122
    exported = (tmp_path / "backbone.safetensors").read_bytes()
    digest = hashlib.sha256(exported).hexdigest()
    assert digest in {file.blob.digest.removeprefix("sha256:") for file in live.exported_files()}
    assert live.checkpoints() == {f"from-go-{digest[:8]}": "resnet18"}
