"""Two catalogs and a bundle that was carried from one to the other, shared by this folder."""

from collections.abc import Iterator

import pytest

from tests.fakes.bundle_sites import Sites, two_sites


@pytest.fixture(scope="session")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    """A bundle was exported and imported."""
    with two_sites(tmp_path_factory.mktemp("sites")) as sites:
        yield sites
