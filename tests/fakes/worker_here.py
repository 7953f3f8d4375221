"""A worker pool without processes: orders are done here, one function of it."""

from collections.abc import Mapping
from typing import Any

from catalog_service.models.description import model_description_order


class InThisProcess:
    """Answers `model_description`, through the same JSON as a worker, and counts its calls."""

    def __init__(self) -> None:
        self.num_calls = 0

    def call(self, function: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the worker's function answers."""
        assert function == "model_description", function
        self.num_calls += 1
        return model_description_order(arguments)
