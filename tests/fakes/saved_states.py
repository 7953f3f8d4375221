"""A saved training that nobody trained. Imports torch."""

import math
from dataclasses import replace

import torch
from torch import Tensor

from trainer_service.jobs import EpochMetrics
from trainer_service.snapshots.saved_state import (
    MODEL,
    OPTIMIZER,
    RANDOM,
    Progress,
    SavedBest,
    SavedRecord,
    SavedSize,
    SavedState,
)


def tensors_of_every_kind() -> dict[str, Tensor]:
    """Return tensors of all dtypes that training has, some of them laid out in other ways."""
    random = torch.Generator().manual_seed(0)
    images = torch.randn(2, 3, 5, 4, generator=random)
    return {
        "floats": torch.randn(7, 3, generator=random),
        "channels last": images.to(memory_format=torch.channels_last),
        "every other": images[:, :, ::2],
        "scalar": torch.tensor(3.5),
        "count": torch.tensor(7),
        "short": torch.randn(5, generator=random).bfloat16(),
        "half": torch.randn(5, generator=random).half(),
        "flags": torch.tensor([True, False]),
        "bytes": torch.arange(9, dtype=torch.uint8),
        "none": torch.empty(0, 4),
        "not numbers": torch.tensor([math.nan, -math.inf, -0.0]),
    }


def saved_state(step: int = 5, **progress: object) -> SavedState:
    """Return a state with a bit of everything."""
    record = SavedRecord(best=-math.inf, num_epochs_since=2, num_epochs_skipped=1)
    told = Progress(
        plan_digest="sha256:plan",
        step=step,
        epoch=1,
        phase=1,
        phase_of_epoch=1,
        learned=SavedSize(size=4, was_halved=False),
        judged=SavedSize(size=0, was_halved=True),
        main=record,
        early=record,
        best=SavedBest(epoch=1, step=3, metrics={"validation/loss": math.nan}),
        validated=EpochMetrics(epoch=1, split="validation", values={"loss": 0.1}, step=3),
        sealed={"conv1.weight": "00"},
    )
    return SavedState(
        progress=replace(told, **progress),  # type: ignore[arg-type]
        tensors={
            MODEL: tensors_of_every_kind(),
            OPTIMIZER: {"fc.weight:exp_avg": torch.ones(3)},
            RANDOM: {"cpu": torch.get_rng_state()},
        },
        views={"steps": [1, 2]},
    )
