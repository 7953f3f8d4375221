"""The page's TypeScript example against the real services, by the package as it is published."""

import hashlib
import os
from pathlib import Path

import pytest

from tests.clients.live_services import Live, live_services, shown_on_page, told_by
from tests.clients.typescript.node_suite import PACKAGE, node, node_path
from tests.end_to_end.test_readme import assert_told
from vertebra.state_file import read_header


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory):
    """Both real services."""
    node()
    with live_services(tmp_path_factory.mktemp("live")) as live:
        yield live


@pytest.mark.full
def test_the_example_lists_builds_saves_trains_fetches_and_registers(
    live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """As the page shows it; both files are whole, and the backbone is the trainer's own."""
    shown = shown_on_page("From TypeScript")
    monkeypatch.setitem(os.environ, "PATH", node_path())

    told = told_by(live, f"{shown.command}-out {tmp_path}", PACKAGE)

    assert_told(told, shown, tmp_path)
    assert len(read_header(tmp_path / "state.safetensors")) == 338
    exported = (tmp_path / "backbone.safetensors").read_bytes()
    digest = hashlib.sha256(exported).hexdigest()
    assert digest in {file.blob.digest.removeprefix("sha256:") for file in live.exported_files()}
    assert live.checkpoints() == {f"from-ts-{digest[:8]}": "shufflenet_v2_x0_5"}
