"""Plans of a task alone: no model, no data. And networks that answer what a test tells them to."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from catalog_service.models.contracts import InputContract, OutputContract
from catalog_service.models.freeze_plan import FreezePlan
from trainer_service.datasets.batch import Batch, Targets
from trainer_service.jobs import ClassWeights, LossSpec, OptimizerSpec, TrainPlan
from trainer_service.jobs.metrics_table import USUAL_LOSSES

CPU = torch.device("cpu")


def loss_spec(kind: str, *, weights: tuple[float, ...] = (), **fields: Any) -> LossSpec:
    """Return a loss as a plan has it."""
    return LossSpec(
        kind=kind,  # type: ignore[arg-type]
        class_weights=ClassWeights(rule="explicit" if weights else "none", weights=weights),
        **fields,
    )


def task_plan(
    task: str, num_outputs: int = 3, *, loss: LossSpec | None = None, **output: Any
) -> TrainPlan:
    """Return a plan whose outputs are named a, b, c, ..."""
    names = tuple("abcdefghijklmnopqrstuvwxyz"[:num_outputs])
    contract = OutputContract(**{"shape": (num_outputs,), "class_names": names, **output})
    nothing = FreezePlan(
        mode="full",
        norm="batch_statistics",
        trainable=(),
        train_modules=("",),
        frozen_norms=(),
        rows=(),
        num_trainable_parameters=0,
        num_frozen_parameters=0,
    )
    return TrainPlan(
        freeze=nothing,
        input=InputContract(height_px=32, width_px=32, mean=(0.0,) * 3, std=(1.0,) * 3),
        output=contract,
        num_train_images=1,
        num_validation_images=1,
        num_steps_per_epoch=1,
        num_steps=1,
        optimizer=OptimizerSpec(),
        task=task,
        loss=loss or loss_spec(USUAL_LOSSES[task]),
    )


def batch_of(images: Any, targets: Targets) -> Batch:
    """Return a batch; its positions mean nothing."""
    return Batch(images=images, targets=targets, positions=np.arange(len(images)))


def parts_of(batch: Batch, size: int) -> list[Batch]:
    """Return a batch of tensors in batches of this size."""
    images, targets = batch.images, batch.targets
    assert isinstance(images, Tensor)
    assert targets is not None
    return [
        batch_of(images[start : start + size], targets[start : start + size])
        for start in range(0, batch.num_images, size)
    ]


class Answer(nn.Module):
    """Gives its images back as its outputs, or the answer that it was made with."""

    def __init__(self, answer: Any = None) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, images: Any) -> Any:
        """Return the answer."""
        return images if self.answer is None else self.answer
