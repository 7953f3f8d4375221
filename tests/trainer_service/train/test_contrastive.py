"""A contrastive batch in parts has the whole batch's gradient. Adding up the parts' own has not."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from trainer_service.datasets.batch import Batch
from trainer_service.jobs import SimClrSpec
from trainer_service.tasks.simclr import SimClr, make_projection
from trainer_service.train.contrastive import accumulate
from trainer_service.train.precision import Passes

CPU = torch.device("cpu")
BATCH, PART = 120, 24
"""The seed's batch, in five parts."""

TOLERANCE = 1e-5


class NoNorms(nn.Sequential):
    """A projection without batch norms: a part's statistics are not the whole batch's."""

    def __init__(self) -> None:
        super().__init__(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 8))


def network(*, dropout: float = 0.0, norms: bool = False) -> nn.Sequential:
    """Return a small convolutional network, the same each time."""
    torch.manual_seed(0)
    norm: nn.Module = nn.BatchNorm2d(8) if norms else nn.Identity()
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), norm, nn.ReLU(), nn.Dropout(dropout), nn.Flatten(), nn.Linear(128, 16)
    )


def simclr(*, norms: bool = False) -> SimClr:
    """Return the task on 16 features."""
    torch.manual_seed(1)
    spec = SimClrSpec(temperature=0.2)
    return SimClr(spec, make_projection(spec, 16, seed=0) if norms else NoNorms(), CPU)


def batch() -> Batch:
    """Return pairs of views of random images."""
    random = torch.Generator().manual_seed(2)
    images = torch.randn(BATCH, 3, 6, 6, generator=random)
    views = [images + 0.5 * torch.randn(images.shape, generator=random) for _ in range(2)]
    return Batch(images=torch.cat(views), targets=None, positions=np.arange(BATCH))


Learn = Callable[[nn.Module, SimClr, Batch], object]


def whole(model: nn.Module, task: SimClr, pairs: Batch) -> None:
    """Learn from all images at once."""
    task.learn(model, pairs).loss.backward()


def cached(model: nn.Module, task: SimClr, pairs: Batch) -> Tensor:
    """Learn in parts, as the loop does."""
    return accumulate(model, task, pairs, PART, Passes("fp32", CPU)).loss


def added_up(model: nn.Module, task: SimClr, pairs: Batch) -> None:
    """Learn in parts that know nothing of each other: plain gradient accumulation."""
    assert isinstance(pairs.images, Tensor)
    views = pairs.images.unflatten(0, (2, BATCH))
    for start in range(0, BATCH, PART):
        part = Batch(
            images=views[:, start : start + PART].flatten(0, 1),
            targets=None,
            positions=np.arange(PART),
        )
        (task.learn(model, part).loss * (PART / BATCH)).backward()


def gradient(learn: Learn, **settings: float) -> Tensor:
    """Return the gradient of everything that trains, as one vector."""
    model, task = network(**settings), simclr()  # type: ignore[arg-type]
    torch.manual_seed(3)
    learn(model, task, batch())
    parameters = [*model.parameters(), *task.projection.parameters()]
    return torch.cat([parameter.grad.flatten() for parameter in parameters])  # type: ignore[union-attr]


def relative_error(found: Tensor, expected: Tensor) -> float:
    """Return the length of the difference as a share of the expected length."""
    return float((found - expected).norm() / expected.norm())


def test_the_gradient_in_parts_is_that_of_the_whole_batch() -> None:
    assert relative_error(gradient(cached), gradient(whole)) < TOLERANCE


def test_plain_accumulation_fails_the_same_comparison() -> None:
    """Otherwise the test above would show nothing."""
    assert relative_error(gradient(added_up), gradient(whole)) > 1000 * TOLERANCE


def test_the_loss_in_parts_is_that_of_the_whole_batch() -> None:
    found = cached(network(), simclr(), batch())

    expected = simclr().learn(network(), batch()).loss.detach()
    assert float(found) == pytest.approx(float(expected), rel=1e-5)


def test_dropout_falls_the_same_way_in_both_passes() -> None:
    """The same masks in the pass that says where to go and in the one that goes there: the
    gradient is that of the parts' own masks.
    """
    model, task, pairs = network(dropout=0.5), simclr(), batch()
    assert isinstance(pairs.images, Tensor)
    views = pairs.images.unflatten(0, (2, BATCH))
    torch.manual_seed(3)
    parts = [
        task.project(model, views[:, start : start + PART].flatten(0, 1)).unflatten(0, (2, PART))
        for start in range(0, BATCH, PART)
    ]
    task.loss(torch.cat(parts, dim=1).flatten(0, 1)).backward()
    parameters = [*model.parameters(), *task.projection.parameters()]
    expected = torch.cat([parameter.grad.flatten() for parameter in parameters])  # type: ignore[union-attr]

    assert relative_error(gradient(cached, dropout=0.5), expected) < TOLERANCE


def test_random_numbers_go_on_as_after_one_pass() -> None:
    model, task = network(dropout=0.5), simclr()
    torch.manual_seed(3)
    cached(model, task, batch())
    found = torch.rand(3)

    torch.manual_seed(3)
    for part in batch().images.unflatten(0, (2, BATCH)).split(PART, dim=1):  # type: ignore[union-attr]
        model(part.flatten(0, 1))

    assert torch.equal(found, torch.rand(3))


def test_batch_norms_count_every_image_once() -> None:
    """Running statistics are those of one pass over the parts, and so is their count."""
    model, task = network(norms=True), simclr(norms=True)
    cached(model, task, batch())

    once, other = network(norms=True), simclr(norms=True)
    for part in batch().images.unflatten(0, (2, BATCH)).split(PART, dim=1):  # type: ignore[union-attr]
        other.project(once, part.flatten(0, 1))

    for found, expected in ((model, once), (task.projection, other.projection)):
        state = expected.state_dict()
        for name, tensor in found.state_dict().items():
            assert torch.equal(tensor, state[name]), name
    assert int(model[1].num_batches_tracked) == BATCH // PART


def test_frozen_batch_norms_stay_as_they_are() -> None:
    model, task = network(norms=True), simclr()
    model[1].eval()
    before = {name: tensor.clone() for name, tensor in model[1].named_buffers()}

    cached(model, task, batch())

    assert all(torch.equal(before[name], tensor) for name, tensor in model[1].named_buffers())


def test_batch_norms_survive_an_error_between_the_passes() -> None:
    model, task = network(norms=True), simclr()
    before = {name: tensor.clone() for name, tensor in model[1].named_buffers()}
    broken = batch()
    assert isinstance(broken.images, Tensor)

    with pytest.raises(RuntimeError):
        accumulate(model, task, broken, PART, _Failing())  # type: ignore[arg-type]

    assert all(torch.equal(before[name], tensor) for name, tensor in model[1].named_buffers())


class _Failing(Passes):
    """Runs out of memory at the first forward pass."""

    def __init__(self) -> None:
        super().__init__("fp32", CPU)

    def forward(self):  # type: ignore[no-untyped-def]
        raise RuntimeError("out of memory")


def test_parts_that_do_not_divide_the_batch_are_of_equal_size() -> None:
    model, task = network(), simclr()
    torch.manual_seed(3)
    accumulate(model, task, batch(), 50, Passes("fp32", CPU))
    parameters = [*model.parameters(), *task.projection.parameters()]
    found = torch.cat([parameter.grad.flatten() for parameter in parameters])  # type: ignore[union-attr]

    assert relative_error(found, gradient(whole)) < TOLERANCE


def test_sixteen_bits_give_nearly_the_same_gradient() -> None:
    model, task = network(), simclr()
    accumulate(model, task, batch(), PART, Passes("bf16", CPU))
    parameters = [*model.parameters(), *task.projection.parameters()]
    found = torch.cat([parameter.grad.flatten() for parameter in parameters])  # type: ignore[union-attr]

    assert relative_error(found, gradient(whole)) < 0.05
