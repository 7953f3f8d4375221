"""Helm, once a session."""

from collections.abc import Iterator

import pytest

from tests.fakes.charts import PYTHON, Charts, charts


@pytest.fixture(scope="session")
def chart() -> Iterator[Charts]:
    """Yield the chart as Helm renders it."""
    if not PYTHON.exists():
        pytest.skip(".venv-charts is not set up: make .venv-charts/.installed")
    with charts() as running:
        yield running
