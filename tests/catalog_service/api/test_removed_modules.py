"""Removed modules are tried before anything is built."""

import pytest

from tests.catalog_service.api.conftest import failure
from vertebra.catalog_client import CatalogClient


@pytest.mark.parametrize(
    ("removed", "why"),
    [
        (["features.12", "nothing"], "no module 'nothing' in this model"),
        (["features.3"], "without 'features.3' the input of 'features.4"),
    ],
)
def test_what_breaks_the_model_is_refused(
    client: CatalogClient, removed: list[str], why: str
) -> None:
    """Nothing was published for it here, and nothing is looked for."""
    spec = {"backbone": "squeezenet1_1", "remove_modules": removed}

    error = failure(lambda: client.build_model(spec, definition_only=True))

    assert "spec.remove_modules" in str(error)
    assert why in str(error)
