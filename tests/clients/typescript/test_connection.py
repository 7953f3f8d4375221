"""How the TypeScript client repeats calls, without a network."""

import pytest

from tests.clients.typescript.node_suite import Outcomes, names_in, run_suite


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """Run node's tests."""
    return run_suite("connection", {}, tmp_path_factory.mktemp("connection"))


@pytest.mark.parametrize("name", names_in("connection"))
def test_the_client(name: str, told: Outcomes) -> None:
    assert told.get(name, "it was not run") == ""
