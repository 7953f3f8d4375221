"""Layouts of recipes, asked of a worker once per process."""

import threading

from catalog_service.errors import InvalidRequest, Violation, invalid
from catalog_service.models.contracts import InputContract
from catalog_service.models.layout import StateLayout
from catalog_service.models.recipe import Recipe, recipe_digest
from catalog_service.worker_pool import WorkerPool

MAX_KEPT = 512
"""Layouts in memory; the largest is about 100 kB."""


class Definitions:
    """Answers "what tensors does this recipe have" without building it twice."""

    def __init__(self, pool: WorkerPool) -> None:
        self._pool = pool
        self._lock = threading.Lock()
        self._layouts: dict[str, StateLayout] = {}

    def layout(self, recipe: Recipe) -> StateLayout:
        """Return the recipe's layout.

        Raises:
            WorkerDied: the worker ended; call again.
        """
        key = recipe_digest(recipe)
        with self._lock:
            known = self._layouts.get(key)
        if known is not None:
            return known
        answer = self._pool.call("describe_model", {"recipe": recipe.to_json()})
        layout = StateLayout.from_json(answer["layout"])
        with self._lock:
            if len(self._layouts) >= MAX_KEPT:
                self._layouts.clear()
            self._layouts[key] = layout
        return layout

    def require_running(self, recipe: Recipe, contract: InputContract) -> None:
        """Raise `InvalidRequest` where a model breaks without the modules that a spec removes.

        Raises:
            InvalidRequest: no such module, or the one whose input is not what it takes; its field
                is relative to the spec.
            WorkerDied: the worker ended; call again.
        """
        if not recipe.removed_modules:
            return
        frames = (contract.num_frames,) if contract.num_frames else ()
        shape = (1, contract.num_channels, *frames, contract.height_px, contract.width_px)
        try:
            self._pool.call("check_structure", {"recipe": recipe.to_json(), "shape": shape})
        except InvalidRequest as error:
            found = Violation(field="remove_modules", description=error.message)
            raise invalid([found]) from error
