"""Training a new head on a frozen backbone: with kept features, without, and by the textbook.

The heads with and without kept features are compared: they are equal to the last bit. The
textbook leaves the model in training mode, as most do: its batch norms drift, so it does not even
train what was asked for. That is not what is measured here.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from catalog_service.models.freeze_plan import FreezeMode
from tests.benchmarks import frozen_trainings
from tests.benchmarks.frozen_trainings import Run, job, order_of, textbook
from tests.benchmarks.rows import Metric, Row, Sample, Way, compare, take_turns
from trainer_service.jobs import WorkOrder

Head = Mapping[str, Tensor]
"""Name -> what trained."""

LOOP = (Metric(name="wall_s", title="loop, wall s"), Metric(name="cpu_s", title="loop, CPU s"))
WHOLE = (
    Metric(name="whole_wall_s", title="with reading, wall s"),
    Metric(name="whole_cpu_s", title="with reading, CPU s"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size(frozen_trainings.Size):
    """How much is trained."""

    num_textbook_epochs: int
    """Each is as long as the other; running them all would tell nothing more."""


def measure(size: Size) -> list[Row]:
    """Return rows of the loop, and of the loop and the reading of the data."""
    freeze = FreezeMode(kind="frozen_backbone")
    with order_of(size, freeze) as order, tempfile.TemporaryDirectory() as folder:
        job(order, features_folder=folder)
        heads: list[Head] = []
        kept, uncached, second, half, plain = ways(order, size, folder, heads)
        samples = take_turns([kept, uncached, second, half, plain], size.num_rounds)
        require_equal(heads)
    return [
        *compare("train_frozen", kept, uncached, (*LOOP, *WHOLE), samples),
        *compare("train_frozen", second, uncached, LOOP, samples),
        *compare("train_frozen", kept, plain, WHOLE, samples),
        *compare("train_frozen", half, plain, WHOLE, samples),
    ]


def require_equal(heads: list[Head]) -> None:
    """Fail unless all runs in 32 bits trained the same head, bit for bit."""
    first, *others = heads
    assert others
    assert all(torch.equal(first[name], other[name]) for other in others for name in first)


def ways(order: WorkOrder, size: Size, folder: str, heads: list[Head]) -> tuple[Way, ...]:
    """Return what takes turns; the heads that were trained in 32 bits are added to `heads`."""

    def noted(run: Run) -> Sample:
        heads.append(run.state)
        return run.sample

    return (
        Way(
            name="kept features",
            command=f"run_loop(feature_cache REQUIRED; {size})",
            run=lambda: noted(job(order)),
        ),
        Way(
            name="no_grad, every epoch",
            command="run_loop(feature_cache NEVER): frozen part in evaluation mode, no gradients",
            run=lambda: noted(job(order, is_kept=False)),
        ),
        Way(
            name="features kept by an earlier job",
            command="run_loop(feature_cache REQUIRED) with a filled features folder",
            run=lambda: noted(job(order, features_folder=folder)),
        ),
        Way(
            name="kept features, bf16",
            command="run_loop(feature_cache REQUIRED, precision BF16)",
            run=lambda: job(order, precision="bf16").sample,
        ),
        Way(
            name="textbook",
            command="requires_grad = False; AdamW(model.fc.parameters()); model.train();"
            f" DataLoader(ImageFolder(transform)); {size.num_textbook_epochs} epochs, told as if"
            f" {size.num_epochs}",
            run=lambda: _textbook(order, size),
        ),
    )


def _textbook(order: WorkOrder, size: Size) -> Sample:
    return textbook(order, size, num_epochs=size.num_textbook_epochs)
