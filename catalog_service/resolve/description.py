"""What a spec's model looks like, without numbers: asked of a worker, and remembered."""

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from catalog_service.errors import InvalidRequest, Violation, invalid
from catalog_service.models.freeze_plan import FULL, FreezeMode, freeze_mode_of
from catalog_service.models.model_description import (
    ACTIVATION_BYTES,
    DEFAULT_BATCH_SIZE,
    DEFAULT_DTYPE,
    DEFAULT_OPTIMIZER,
    MAX_BATCH_SIZE,
    OPTIMIZER_STATES,
    DescriptionOrder,
    ModelDescription,
)
from catalog_service.models.spec import ModelSpec
from catalog_service.resolve.build_plan import BuildPlan
from catalog_service.worker_pool import WorkerPool

MAX_KEPT = 64
"""Descriptions in memory; the largest is about a megabyte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """The training whose memory is estimated."""

    freeze_mode: FreezeMode = FULL
    batch_size: int = DEFAULT_BATCH_SIZE
    optimizer: str = DEFAULT_OPTIMIZER
    activation_dtype: str = DEFAULT_DTYPE


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedModel:
    """A plan and the description of its model."""

    plan: BuildPlan
    model: ModelDescription
    height_px: int
    """Of the image that it was described with."""

    width_px: int


class Descriptions:
    """Answers "what does this model look like" without running it twice."""

    def __init__(self, pool: WorkerPool) -> None:
        self._pool = pool
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, ModelDescription] = OrderedDict()

    def describe(self, order: DescriptionOrder) -> ModelDescription:
        """Return the description of an order.

        Raises:
            InvalidRequest: the freeze mode means nothing for this model.
            WorkerDied: the worker ended; call again.
        """
        key = _digest(order)
        with self._lock:
            known = self._kept.get(key)
            if known is not None:
                self._kept.move_to_end(key)
                return known
        answer = self._pool.call("model_description", order.to_json())
        description = ModelDescription.from_json(answer)
        with self._lock:
            self._kept[key] = description
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return description


def describe_plan(
    plan: BuildPlan, spec: ModelSpec, training: Training, descriptions: Descriptions
) -> DescribedModel:
    """Return what a planned model looks like; nothing is resolved or downloaded.

    Args:
        spec: as the caller gave it: the plan's has every default filled in.

    Raises:
        InvalidRequest: a freeze mode that means nothing here.
        WorkerDied: the worker ended; call again.
    """
    height_px, width_px = _image_px(spec, plan)
    order = DescriptionOrder(
        recipe=plan.recipe,
        height_px=height_px,
        width_px=width_px,
        num_channels=plan.input.num_channels,
        num_frames=plan.input.num_frames,
        freeze_mode=training.freeze_mode,
        batch_size=training.batch_size,
        optimizer=training.optimizer,
        activation_dtype=training.activation_dtype,
    )
    model = descriptions.describe(order)
    return DescribedModel(plan=plan, model=model, height_px=height_px, width_px=width_px)


def _image_px(spec: ModelSpec, plan: BuildPlan) -> tuple[int, int]:
    """Return height and width of the image that is described.

    A detector takes images of any size: unless the spec says one, it is described with a square of
    the side that it resizes the shorter side to.
    """
    side = plan.input.resize_shorter_side_px
    if plan.input.is_image_list and side and not spec.image_height_px:
        return side, side
    return plan.input.height_px, plan.input.width_px


def training_of(
    spec: ModelSpec,
    *,
    freeze_mode: str = "",
    batch_size: int = 0,
    optimizer: str = "",
    activation_dtype: str = "",
) -> Training:
    """Return the training that a caller's words mean; what is empty or 0 is the default.

    Args:
        spec: whose `freeze_backbone` counts where `freeze_mode` is empty.

    Raises:
        InvalidRequest: with every word that is not known; fields relative to the request.
    """
    found = [
        *_unknown("optimizer", optimizer, tuple(OPTIMIZER_STATES)),
        *_unknown("activation_dtype", activation_dtype, tuple(ACTIVATION_BYTES)),
    ]
    if not 0 <= batch_size <= MAX_BATCH_SIZE:
        why = f"{batch_size} is not between 1 and {MAX_BATCH_SIZE}; 0 means the default"
        found.append(Violation(field="batch_size", description=why))
    mode = FreezeMode(kind="frozen_backbone" if spec.freeze_backbone else "full")
    try:
        mode = freeze_mode_of(freeze_mode) if freeze_mode else mode
    except InvalidRequest as error:
        found.append(Violation(field="freeze_mode", description=error.message))
    if found:
        raise invalid(found)
    return Training(
        freeze_mode=mode,
        batch_size=batch_size or DEFAULT_BATCH_SIZE,
        optimizer=optimizer or DEFAULT_OPTIMIZER,
        activation_dtype=activation_dtype or DEFAULT_DTYPE,
    )


def _unknown(field: str, word: str, known: Sequence[str]) -> list[Violation]:
    if not word or word in known:
        return []
    why = f"{word[:100]!r} is none of {', '.join(known)}"
    return [Violation(field=field, description=why)]


def _digest(order: DescriptionOrder) -> str:
    text = json.dumps(order.to_json(), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
