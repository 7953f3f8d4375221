"""Losses of masks beside numpy, pixel by pixel: empty masks, ignored pixels, absent classes."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from tests.fakes.task_plans import CPU, Answer, batch_of, loss_spec, parts_of, task_plan
from trainer_service.datasets.batch import Batch
from trainer_service.jobs.metrics_table import LOSSES_OF_TASK
from trainer_service.tasks.table import task_for
from trainer_service.tasks.task import Task

NUM_CLASSES = 3
IGNORED = 255
WEIGHTS = (0.5, 1.0, 4.0)
Array = npt.NDArray[Any]


def segmentation(kind: str, *, activation: str = "softmax", **loss: Any) -> Task:
    """Return a task with this loss."""
    plan = task_plan(
        "segmentation", NUM_CLASSES, loss=loss_spec(kind, **loss), activation=activation
    )
    return task_for(plan, CPU)


def drawn(name: str) -> Batch:
    """Return three images of noise for logits, with the masks of a case."""
    random = torch.Generator().manual_seed(3)
    logits = torch.randn(3, NUM_CLASSES, 4, 5, generator=random) * 2
    masks = torch.randint(0, NUM_CLASSES, (3, 4, 5), generator=random)
    if name == "ignored":
        masks[0, :2] = IGNORED
        masks[1, 0] = IGNORED
    if name == "absent":
        masks[masks == 2] = 0
    if name == "empty":
        masks[:] = 0
    if name == "nothing_counts_in_one":
        masks[1] = IGNORED
    return batch_of(logits, masks)


CASES = ("plain", "ignored", "absent", "empty", "nothing_counts_in_one")


def by_hand(kind: str, batch: Batch, weights: tuple[float, ...] = ()) -> float:
    """Return the loss by loops over images, pixels and classes."""
    assert isinstance(batch.images, Tensor)
    assert isinstance(batch.targets, Tensor)
    logits, masks = batch.images.numpy().astype(np.float64), batch.targets.numpy()
    images = [_of_image(kind, *each, weights or (1.0,) * 3) for each in zip(logits, masks)]  # noqa: B905
    if kind in ("cross_entropy", "bce"):
        return float(sum(each[0] for each in images) / sum(each[1] for each in images))
    counted = [each for each in images if each[1]]
    pixels = [each[0] / each[1] if kind != "dice" else 0.0 for each in counted]
    return float(np.mean([one + each[2] for one, each in zip(pixels, counted, strict=True)]))


def _of_image(
    kind: str, logits: Array, mask: Array, weights: tuple[float, ...]
) -> tuple[float, float, float]:
    """Return the sum of pixel losses, its weight, and Dice."""
    softmax = np.exp(logits) / np.exp(logits).sum(0)
    sigmoid = 1 / (1 + np.exp(-logits))
    total = weight = 0.0
    for place in np.ndindex(mask.shape):
        true = mask[place]
        if true == IGNORED:
            continue
        if kind.startswith("cross_entropy"):
            total += -weights[true] * np.log(softmax[:, *place][true])
            weight += weights[true]
        else:
            terms = [
                -weights[c] * np.log(sigmoid[c][place])
                if c == true
                else -np.log(1 - sigmoid[c][place])
                for c in range(NUM_CLASSES)
            ]
            total += float(np.mean(terms))
            weight += 1
    probabilities = sigmoid if kind == "bce_dice" else softmax
    return total, weight, _dice(probabilities, mask)


def _dice(probabilities: Array, mask: Array) -> float:
    counted = mask != IGNORED
    terms = []
    for c in range(NUM_CLASSES):
        a, b = probabilities[c][counted], (mask[counted] == c).astype(float)
        terms.append((2 * (a * b).sum() + 1) / (a.sum() + b.sum() + 1))
    return 1 - float(np.mean(terms))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", LOSSES_OF_TASK["segmentation"])
def test_every_loss_is_what_loops_over_pixels_give(kind: str, case: str) -> None:
    batch = drawn(case)

    learned = segmentation(kind).learn(Answer(), batch)

    assert float(learned.loss) == pytest.approx(by_hand(kind, batch), abs=1e-6)


@pytest.mark.parametrize("kind", ["cross_entropy", "bce", "bce_dice", "cross_entropy_dice"])
def test_classes_weigh_what_they_are_told_to(kind: str) -> None:
    batch = drawn("ignored")

    learned = segmentation(kind, weights=WEIGHTS).learn(Answer(), batch)

    assert float(learned.loss) == pytest.approx(by_hand(kind, batch, WEIGHTS), abs=1e-6)


def test_smoothed_weighted_cross_entropy_is_torchs_own() -> None:
    batch = drawn("ignored")
    task = segmentation("cross_entropy", weights=WEIGHTS, label_smoothing=0.2)

    learned = task.learn(Answer(), batch)

    expected = cross_entropy(
        batch.images,  # type: ignore[arg-type]
        batch.targets,  # type: ignore[arg-type]
        weight=torch.tensor(WEIGHTS),
        label_smoothing=0.2,
        ignore_index=IGNORED,
    )
    assert float(learned.loss) == pytest.approx(float(expected), abs=1e-6)


def test_any_value_may_be_the_ignored_one() -> None:
    """Without background: its pixels are not asked about, whatever the model says of them."""
    batch = drawn("plain")
    assert isinstance(batch.images, Tensor)
    assert isinstance(batch.targets, Tensor)
    task = segmentation("cross_entropy", ignore_index=0)
    other = batch.images + 50 * (batch.targets == 0)[:, None] * torch.rand(1, 3, 1, 1)

    first, second = (
        task.learn(Answer(), batch_of(each, batch.targets)) for each in (batch.images, other)
    )

    assert float(first.loss) == float(second.loss)


@pytest.mark.parametrize("kind", LOSSES_OF_TASK["segmentation"])
def test_a_batch_in_which_nothing_counts_teaches_nothing(kind: str) -> None:
    """0 / 0 would turn every weight into NaN."""
    logits = torch.randn(2, NUM_CLASSES, 4, 4, requires_grad=True)
    batch = batch_of(logits, torch.full((2, 4, 4), IGNORED))
    task = segmentation(kind)

    learned = task.learn(Answer(), batch)
    learned.loss.backward()  # type: ignore[no-untyped-call]

    assert learned.loss.item() == 0.0
    assert task.weight(batch) == 0.0
    assert logits.grad is not None
    assert float(logits.grad.abs().max()) == 0.0


@pytest.mark.parametrize("kind", LOSSES_OF_TASK["segmentation"])
def test_micro_batches_by_their_weights_have_the_gradient_of_their_batch(kind: str) -> None:
    """Their plain mean has another: images hold unequal numbers of pixels that count."""
    batch, part = drawn("nothing_counts_in_one"), 1
    assert isinstance(batch.images, Tensor)
    batch.targets[0, 0] = IGNORED  # type: ignore[index, call-overload]
    weights = () if kind == "dice" else WEIGHTS
    task = segmentation(kind, weights=weights)

    def gradient(parts: list[Batch], shares: list[float]) -> Tensor:
        scale = torch.ones(NUM_CLASSES, 1, 1, requires_grad=True)
        losses = [task.learn(Answer(each.images * scale), each).loss for each in parts]  # type: ignore[operator]
        total = sum(loss * share for loss, share in zip(losses, shares, strict=True))
        (found,) = torch.autograd.grad(total, scale)  # type: ignore[arg-type]
        return found

    parts = parts_of(batch, part)
    counted = [task.weight(each) for each in parts]
    whole = gradient([batch], [1.0])
    weighed = gradient(parts, [each / sum(counted) for each in counted])
    plain = gradient(parts, [1 / len(parts)] * len(parts))

    assert torch.allclose(weighed, whole, rtol=1e-5, atol=1e-7)
    assert not torch.allclose(plain, whole, rtol=1e-2)


def test_dice_of_a_multilabel_model_takes_each_class_for_itself() -> None:
    batch = drawn("plain")
    assert isinstance(batch.images, Tensor)
    assert isinstance(batch.targets, Tensor)

    learned = segmentation("dice", activation="sigmoid").learn(Answer(), batch)

    probabilities = batch.images.sigmoid().numpy().astype(np.float64)
    masks = batch.targets.numpy()
    expected = np.mean([_dice(*each) for each in zip(probabilities, masks, strict=True)])
    assert float(learned.loss) == pytest.approx(float(expected), abs=1e-6)


def test_an_auxiliary_head_adds_half_its_loss() -> None:
    batch = drawn("plain")
    main, aux = batch.images, torch.zeros(3, NUM_CLASSES, 4, 5)
    task = segmentation("cross_entropy")

    learned = task.learn(Answer({"out": main, "aux": aux}), batch)

    alone = task.learn(Answer({"out": main}), batch)
    assert float(learned.loss) == pytest.approx(float(alone.loss) + 0.5 * np.log(3), abs=1e-6)
    assert torch.equal(learned.outputs, alone.outputs)


def test_short_floats_are_summed_in_long_ones() -> None:
    """A sum of thousands of pixels in bfloat16 stops growing at 256."""
    logits = torch.zeros(1, NUM_CLASSES, 64, 64, dtype=torch.bfloat16)
    batch = batch_of(logits, torch.zeros(1, 64, 64, dtype=torch.long))

    learned = segmentation("cross_entropy").learn(Answer(), batch)

    assert float(learned.loss) == pytest.approx(np.log(3), abs=1e-6)
    assert learned.outputs.dtype == torch.float32
