"""A store with everything that looks after it."""

from pathlib import Path

import pytest

from tests.fakes.store_site import StoreSite


@pytest.fixture
def site(tmp_path: Path) -> StoreSite:
    return StoreSite(tmp_path / "store")
