"""A batch in parts gives the gradient of the whole. Adding up means of means does not."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from tests.fakes.running import changed, ready, run, state_of
from tests.fakes.trainings import CPU, job_spec
from trainer_service.datasets.batch import Batch
from trainer_service.freezing import enter_training
from trainer_service.jobs import EpochMetrics
from trainer_service.tasks.task import Learned
from trainer_service.train.micro_batches import Learning, parts_of
from trainer_service.train.precision import Passes

CLASS_WEIGHTS = torch.tensor([1.0, 5.0, 0.0])


def batch_of(count: int) -> Batch:
    """Return noise with labels."""
    random = torch.Generator().manual_seed(1)
    return Batch(
        images=torch.rand(count, 3, 8, 8, generator=random),
        targets=torch.arange(count) * 7 % 3,
        positions=np.arange(count),
    )


class NoMetrics:
    """Counts the images."""

    num_images = 0

    def update(self, learned: Learned, batch: Batch) -> None:
        """Count a part; its graph is gone."""
        assert not learned.loss.requires_grad
        assert not learned.outputs.requires_grad
        self.num_images += batch.num_images


class Weighted:
    """Cross-entropy with class weights: a mean over the weights, not over the images."""

    def learn(self, network: nn.Module, batch: Batch) -> Learned:
        """Return the loss as torch has it."""
        outputs = network(batch.images)
        assert isinstance(batch.targets, Tensor)
        weights = CLASS_WEIGHTS[batch.targets]
        losses = cross_entropy(outputs, batch.targets, reduction="none") * weights
        loss = losses.sum() / weights.sum().clamp_min(1e-9)  # 0 where nothing counts
        return Learned(loss=loss, outputs=outputs)

    def weight(self, batch: Batch) -> float:
        """Return the sum of the weights."""
        assert isinstance(batch.targets, Tensor)
        return float(CLASS_WEIGHTS[batch.targets].sum())


def network() -> nn.Module:
    """Return a network without batch norms, the same each time."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3)).double()


def gradients(model: nn.Module) -> Tensor:
    """Return all of them in one row."""
    return torch.cat([parameter.grad.flatten() for parameter in model.parameters()])  # type: ignore[union-attr]


def learned_in_parts(batch: Batch, size: int) -> tuple[Tensor, float]:
    """Return gradient and loss."""
    model, metrics = network(), NoMetrics()
    learning = Learning(Weighted(), Passes("fp32", CPU))  # type: ignore[arg-type]
    learned = learning.learn(model, batch, size, metrics)  # type: ignore[arg-type]
    assert metrics.num_images == batch.num_images
    return gradients(model), float(learned.loss)


def as_double(batch: Batch) -> Batch:
    """Return the same in 64 bits: differences are then of the method, not of rounding."""
    assert isinstance(batch.images, Tensor)
    return Batch(images=batch.images.double(), targets=batch.targets, positions=batch.positions)


def naive_gradients(batch: Batch, size: int) -> Tensor:
    """Add up as most loops do: every part's mean, divided by the number of parts."""
    model = network()
    parts = list(parts_of(batch, size))
    for part in parts:
        (Weighted().learn(model, part).loss / len(parts)).backward()  # type: ignore[no-untyped-call]
    return gradients(model)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 9])
def test_parts_have_the_gradient_and_the_loss_of_the_whole(size: int) -> None:
    """Also where a part weighs nothing at all."""
    batch = as_double(batch_of(10))

    whole, loss = learned_in_parts(batch, 0)
    in_parts, loss_in_parts = learned_in_parts(batch, size)

    assert torch.allclose(in_parts, whole, rtol=1e-10, atol=1e-12)
    assert loss_in_parts == pytest.approx(loss, rel=1e-10)


@pytest.mark.parametrize("size", [1, 3, 4])
def test_the_naive_mean_of_means_is_another_gradient(size: int) -> None:
    batch = as_double(batch_of(10))

    whole, _ = learned_in_parts(batch, 0)
    naive = naive_gradients(batch, size)

    assert float((naive - whole).norm() / whole.norm()) > 0.02


def test_parts_are_as_even_as_can_be() -> None:
    """A rest of one image would be nothing for a batch norm."""
    sizes = [part.num_images for part in parts_of(batch_of(33), 16)]

    assert sizes == [11, 11, 11]
    positions = np.concatenate([part.positions for part in parts_of(batch_of(33), 16)])
    assert positions.tolist() == list(range(33))


@pytest.mark.parametrize("size", [0, 10, 16])
def test_a_batch_that_fits_is_not_touched(size: int) -> None:
    batch = batch_of(10)

    (part,) = parts_of(batch, size)

    assert part is batch


def test_lists_and_tuples_of_images_are_cut_by_image() -> None:
    """Detectors take a list of images, cached features are a tuple of tensors."""
    objects = [{"labels": torch.tensor([number])} for number in range(4)]
    listed = Batch(images=[torch.full((3, 2, 2), i) for i in range(4)], targets=objects,
                   positions=np.arange(4))  # fmt: skip
    kept = Batch(images=(torch.arange(4), torch.arange(8).reshape(4, 2)), targets=None,
                 positions=np.arange(4))  # fmt: skip

    second = list(parts_of(listed, 2))[1]
    later = list(parts_of(kept, 2))[1]

    assert [int(image[0, 0, 0]) for image in second.images] == [2, 3]
    assert second.targets == objects[2:]
    assert [tensor.tolist() for tensor in later.images] == [[2, 3], [[4, 5], [6, 7]]]
    assert later.targets is None


def test_a_job_in_parts_learns_what_the_whole_batches_learn() -> None:
    """With norms that stand still; those that train see other batches."""
    spec = job_spec("shufflenet_v2_x0_5", batch_size=6, norm="frozen_statistics")
    in_parts = job_spec(
        "shufflenet_v2_x0_5", batch_size=6, norm="frozen_statistics", micro_batch_size=2
    )
    whole, seal = ready(spec, num_images=12)
    parted, parted_seal = ready(in_parts, num_images=12)
    before = state_of(whole.model)

    events, _ = run(whole, seal)
    same, _ = run(parted, parted_seal)

    after, parts_after = state_of(whole.model), state_of(parted.model)
    assert len(changed(before, after)) > 100
    # Adam divides by the size of tiny gradients: rounding shows more than in the gradient.
    assert max(float((after[n] - parts_after[n]).abs().max()) for n in after) < 1e-3
    losses, parts_losses = (
        [e.values["loss"] for e in said if isinstance(e, EpochMetrics)] for said in (events, same)
    )
    assert parts_losses == pytest.approx(losses, rel=1e-3)


def test_training_mode_is_asked_for_by_the_caller() -> None:
    """The loop sets modes once an epoch; a part must not change them."""
    training, _ = ready(job_spec("shufflenet_v2_x0_5"))
    enter_training(training.model, training.plan.freeze)
    modes = [module.training for module in training.model.modules()]
    (batch, *_) = training.batches.training(1)

    Learning(training.task, Passes("fp32", CPU)).learn(
        training.model, batch, 2, training.task.pass_metrics()
    )

    assert [module.training for module in training.model.modules()] == modes
