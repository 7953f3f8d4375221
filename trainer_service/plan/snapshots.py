"""How large snapshots will be, how often one is taken, and what a crash may cost. Pure.

An estimate, until the worker has measured one.
"""

from collections.abc import Iterable, Mapping, Sequence

from catalog_service.models.freeze_plan import FreezePlan
from catalog_service.models.layout import StateLayout, TensorInfo
from trainer_service.jobs import JobSpec, SnapshotPlan
from trainer_service.jobs.learning_spec import OptimizerSpec
from trainer_service.plan.epoch_steps import training_batch_norms
from trainer_service.plan.snapshot_interval import snapshot_interval_s

NUM_REMEMBERED: Mapping[str, int] = {"sgd": 1, "adam": 2, "adamw": 2, "lars": 1}
"""Numbers that an optimizer remembers of each parameter. Source: torch.optim, timm.optim.Lars."""

WITH_MOMENTUM = ("sgd", "lars")
"""Optimizers that remember nothing else."""

NUMBER_BYTES = 4
"""Parameters train in 32 bits."""

SAVED_BYTES_PER_S = 100e6
"""Writing, hashing and reading back, measured on two cores and a disk that others use, too."""

LEAST_SAVE_S = 0.05
"""Waiting for the disk a few times."""


def snapshot_plan(
    spec: JobSpec,
    layout: StateLayout,
    freezes: Sequence[FreezePlan],
    projection: Iterable[TensorInfo] = (),
) -> SnapshotPlan:
    """Return the plan of a job's largest snapshots.

    Args:
        freezes: of every phase.
        projection: what trains besides the model.
    """
    trained, statistics = moved_elements(layout, freezes)
    beside = sum(tensor.num_elements for tensor in projection)
    num_copies = 1 + num_remembered(spec.optimizer)
    best = trained + statistics if spec.export.state == "best" else 0
    num_elements = (trained + beside) * num_copies + statistics + best
    size_bytes = num_elements * NUMBER_BYTES
    save_s = LEAST_SAVE_S + size_bytes / SAVED_BYTES_PER_S
    interval_s = snapshot_interval_s(save_s, spec.run.snapshot_interval_s)
    return SnapshotPlan(
        size_bytes=size_bytes,
        save_s=save_s,
        interval_s=interval_s,
        possible_loss_s=interval_s + save_s,
    )


def num_remembered(optimizer: OptimizerSpec) -> int:
    """Return how many numbers the optimizer remembers of each parameter."""
    if optimizer.algorithm in WITH_MOMENTUM and not optimizer.momentum:
        return 0
    return NUM_REMEMBERED[optimizer.algorithm]


def moved_elements(layout: StateLayout, freezes: Sequence[FreezePlan]) -> tuple[int, int]:
    """Return how many parameters train in some phase, and how many numbers of norms move."""
    names = {name for freeze in freezes for name in freeze.trainable}
    norms = {path for freeze in freezes for path in training_batch_norms(layout, freeze)}
    trained = sum(each.num_elements for each in layout.tensors if each.name in names)
    statistics = sum(
        each.num_elements
        for each in layout.tensors
        if each.is_buffer and each.name.rpartition(".")[0] in norms
    )
    return trained, statistics
