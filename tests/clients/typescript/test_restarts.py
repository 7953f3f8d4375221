"""The TypeScript client against a real catalog that is killed and comes back."""

import pytest

from tests.clients.restarted_catalog import restarted_catalog
from tests.clients.typescript.node_suite import Outcomes, names_in, run_suite


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """Run node's tests."""
    home = tmp_path_factory.mktemp("restarts")
    with restarted_catalog(home / "catalog") as returning:
        return run_suite("restarts", returning, home)


@pytest.mark.parametrize("name", names_in("restarts"))
def test_the_client(name: str, told: Outcomes) -> None:
    assert told.get(name, "it was not run") == ""
