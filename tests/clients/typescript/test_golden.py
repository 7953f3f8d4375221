"""The TypeScript client reads and writes every message as Python does."""

import json
from pathlib import Path

import pytest

from tests.clients.typescript.node_suite import ROOT, Outcomes, names_in, run_suite

GOLDEN = ROOT / "protos" / "golden"


@pytest.fixture(scope="module", params=sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """Run node's tests on one release's samples."""
    samples: Path = request.param
    given = {"samples": json.loads(samples.read_text())}
    return run_suite("golden", given, tmp_path_factory.mktemp("golden"))


@pytest.mark.parametrize("name", names_in("golden"))
def test_the_client(name: str, told: Outcomes) -> None:
    assert told.get(name, "it was not run") == ""
