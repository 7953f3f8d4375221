"""Ranks that share out a batch leave the gradient of the whole one, and tell the same of it.

Here they are threads that meet at a barrier; test_several_processes.py has real ones.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.fakes.task_plans import loss_spec, task_plan
from tests.fakes.threaded_ranks import on_ranks
from tests.trainer_service.train.test_contrastive import NoNorms
from trainer_service.datasets.batch import Batch, Targets
from trainer_service.datasets.part import Part
from trainer_service.jobs import SimClrSpec
from trainer_service.tasks.simclr import SimClr
from trainer_service.tasks.table import task_for
from trainer_service.tasks.task import Task
from trainer_service.train.micro_batches import Learning
from trainer_service.train.precision import Passes
from trainer_service.train.ranks import ALONE, Ranks

CPU = torch.device("cpu")
NUM_IMAGES, SIDE = 11, 6
RELATIVE = 1e-5


class Pixels(nn.Module):
    """Logits of every pixel, and of an auxiliary head."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 1)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Return both."""
        out = self.first(images)
        return {"out": out, "aux": self.second(out)}


def flat_network(num_outputs: int = 3) -> nn.Module:
    """Return logits of images."""
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * (SIDE - 2) ** 2, num_outputs)
    )


def masks() -> Tensor:
    """Return masks of which some pixels count for nothing, in some images nearly all."""
    random = torch.Generator().manual_seed(3)
    classes = torch.randint(0, 3, (NUM_IMAGES, SIDE, SIDE), generator=random)
    ignored = (
        torch.rand(classes.shape, generator=random)
        < torch.linspace(0, 0.95, NUM_IMAGES)[:, None, None]
    )
    return classes.masked_fill(ignored, 255)


LABELS = torch.arange(NUM_IMAGES) * 7 % 3
FLAGS = (torch.arange(NUM_IMAGES)[:, None] % torch.tensor([2, 3, 5]) == 0).float()
WEIGHTS = (1.0, 5.0, 0.5)

KINDS: Mapping[str, tuple[str, dict[str, Any], Targets, Callable[[], nn.Module]]] = {
    "cross_entropy": ("classification", {"kind": "cross_entropy"}, LABELS, flat_network),
    "weighted": (
        "classification",
        {"kind": "cross_entropy", "weights": WEIGHTS},
        LABELS,
        flat_network,
    ),
    "smoothed": (
        "classification",
        {"kind": "cross_entropy", "label_smoothing": 0.1},
        LABELS,
        flat_network,
    ),
    "bce": ("classification", {"kind": "bce"}, LABELS, flat_network),
    "multilabel": ("multilabel", {"kind": "bce", "weights": WEIGHTS}, FLAGS, flat_network),
    "regression": ("regression", {"kind": "smooth_l1"}, FLAGS * 3, flat_network),
    "segmentation": (
        "segmentation",
        {"kind": "cross_entropy", "weights": WEIGHTS},
        masks(),
        Pixels,
    ),
    "dice": ("segmentation", {"kind": "dice"}, masks(), Pixels),
}


Case = tuple[Task, nn.Module, Batch]


def case(kind: str) -> Case:
    """Return a task, a network without batch norms, and a batch; the same each time. Not on several
    threads at once: they share torch's random numbers.
    """
    if kind == "simclr":
        return contrastive_case()
    name, loss, targets, network = KINDS[kind]
    torch.manual_seed(0)
    random = torch.Generator().manual_seed(1)
    images = torch.rand(NUM_IMAGES, 3, SIDE, SIDE, generator=random)
    batch = Batch(images=images, targets=targets, positions=np.arange(NUM_IMAGES))
    return task_for(task_plan(name, loss=loss_spec(**loss)), CPU), network(), batch


def contrastive_case() -> Case:
    """Return the same for pairs of views."""
    torch.manual_seed(0)
    random = torch.Generator().manual_seed(1)
    images = torch.randn(NUM_IMAGES, 3, SIDE, SIDE, generator=random)
    views = [images + 0.5 * torch.randn(images.shape, generator=random) for _ in range(2)]
    task = SimClr(SimClrSpec(temperature=0.2), NoNorms(), CPU)
    batch = Batch(images=torch.cat(views), targets=None, positions=np.arange(NUM_IMAGES))
    return task, flat_network(16), batch


def of_rank(batch: Batch, part: Part, kind: str) -> Batch:
    """Return this rank's images."""
    own = part.of(batch.positions)
    rows = np.concatenate([own, own + NUM_IMAGES]) if kind == "simclr" else own
    targets = batch.targets
    assert isinstance(batch.images, Tensor)
    return Batch(
        images=batch.images[rows],
        targets=targets[torch.from_numpy(own)] if isinstance(targets, Tensor) else None,
        positions=own,
    )


def learned(
    kind: str, case: Case, size: int, ranks: Ranks
) -> tuple[Tensor, float, Mapping[str, float]]:
    """Return gradient, loss and metrics of a batch that these ranks share out."""
    task, network, batch = case
    own = of_rank(batch, ranks.part, kind)
    metrics = task.pass_metrics()
    contrastive: Any = task if kind == "simclr" else None
    learning = Learning(task, Passes("fp32", CPU), contrastive=contrastive, ranks=ranks)
    result = learning.learn(network, own, size, metrics)
    share = ranks.share(own.num_images, lambda: task.weight(own), has_failed=False)
    assert share is not None
    assert share.num_images == NUM_IMAGES
    held = [*network.parameters()]
    if kind == "simclr":
        held += [*task.projection.parameters()]  # type: ignore[attr-defined]
    loss = ranks.add_up_gradients(held, result.loss, share.weight)
    values = ranks.merged(metrics, task.pass_metrics()).values()
    gradient = torch.cat([each.grad.flatten() for each in held if each.grad is not None])
    return gradient, float(loss), values


EVERY = [*KINDS, "simclr"]


@pytest.mark.parametrize("size", [0, 2])
@pytest.mark.parametrize("num_ranks", [2, 3])
@pytest.mark.parametrize("kind", EVERY)
def test_ranks_have_the_gradient_loss_and_metrics_of_one(
    kind: str, num_ranks: int, size: int
) -> None:
    """Whatever their parts weigh, and whether or not those are learned in parts again."""
    gradient, loss, values = learned(kind, case(kind), 0, ALONE)
    cases = [case(kind) for _ in range(num_ranks)]

    answers = on_ranks(num_ranks, lambda ranks: learned(kind, cases[ranks.part.rank], size, ranks))

    for theirs, their_loss, their_values in answers:
        assert float((theirs - gradient).norm() / gradient.norm()) < RELATIVE
        assert their_loss == pytest.approx(loss, rel=RELATIVE)
        assert their_values == pytest.approx(values, rel=RELATIVE)
    assert all(torch.equal(theirs, answers[0][0]) for theirs, _, _ in answers)


@pytest.mark.parametrize("kind", ["weighted", "segmentation", "simclr"])
def test_the_mean_of_the_ranks_own_gradients_is_another_one(kind: str) -> None:
    """What wrapping the model and no more does."""

    def naive(ranks: Ranks) -> Tensor:
        task, network, batch = cases[ranks.part.rank]
        own = of_rank(batch, ranks.part, kind)
        loss = task.learn(network, own).loss
        loss.backward()  # type: ignore[no-untyped-call]
        held = [each for each in network.parameters() if each.grad is not None]
        ranks.add_up_gradients(held, loss, 1 / 2)
        return torch.cat([each.grad.flatten() for each in held if each.grad is not None])

    gradient, _, _ = learned(kind, case(kind), 0, ALONE)
    cases = [case(kind) for _ in range(2)]

    theirs, _ = on_ranks(2, naive)

    assert float((theirs - gradient[: len(theirs)]).norm() / gradient.norm()) > 100 * RELATIVE


def test_a_rank_without_an_image_gets_the_gradient_of_the_others() -> None:
    def last_batch(ranks: Ranks) -> Tensor:
        parameter = nn.Parameter(torch.zeros(2))
        has_image = ranks.is_first
        if has_image:
            parameter.grad = torch.tensor([1.0, 2.0])
        share = ranks.share(int(has_image), lambda: float(has_image), has_failed=False)
        assert share is not None
        ranks.add_up_gradients([parameter], torch.tensor(3.0), share.weight)
        assert parameter.grad is not None
        return parameter.grad

    assert [each.tolist() for each in on_ranks(2, last_batch)] == [[1.0, 2.0]] * 2


def test_all_try_again_when_one_fails() -> None:
    shares = on_ranks(3, lambda ranks: ranks.share(1, lambda: 1.0, has_failed=ranks.part.rank == 1))

    assert shares == [None] * 3


def test_statistics_become_the_mean_of_all_ranks_where_norms_train_and_only_there() -> None:
    def after(ranks: Ranks) -> list[float]:
        training, still = nn.BatchNorm1d(1), nn.BatchNorm1d(1).eval()
        for norm in (training, still):
            assert norm.running_mean is not None
            norm.running_mean.fill_(float(ranks.part.rank))
        ranks.mean_statistics(nn.Sequential(training, still))
        return [float(norm.running_mean) for norm in (training, still)]  # type: ignore[arg-type]

    assert on_ranks(2, after) == [[0.5, 0.0], [0.5, 1.0]]


def test_all_take_the_first_ones_word_and_state() -> None:
    def taken(ranks: Ranks) -> tuple[str, str]:
        torch.manual_seed(7)
        model = nn.BatchNorm1d(2)
        with torch.no_grad():
            model.weight.fill_(-0.0 if ranks.is_first else 5.0)
        ranks.share_state(model)
        return ranks.agreed(f"rank {ranks.part.rank}"), str(model.weight.tolist())

    assert on_ranks(2, taken) == [("rank 0", "[-0.0, -0.0]")] * 2


def test_every_rank_drops_out_other_numbers_and_the_first_those_of_one() -> None:
    seeds = on_ranks(3, lambda ranks: ranks.own_seed(41))

    assert seeds[0] == ALONE.own_seed(41) == 41
    assert len(set(seeds)) == 3


def test_parts_are_even_in_order_and_whole() -> None:
    parts = [Part(rank=rank, num_ranks=3) for rank in range(3)]

    shared = [part.of(np.arange(8)).tolist() for part in parts]
    batches = [list(part.every("abcde")) for part in parts]

    assert shared == [[0, 1, 2], [3, 4, 5], [6, 7]]
    assert batches == [["a", "d"], ["b", "e"], ["c"]]


def test_metrics_between_two_steps_are_of_all_ranks_and_each_goes_on_with_its_own() -> None:
    """A snapshot is then of no number of ranks: another number can go on from it."""
    task, network, batch = case("weighted")

    def counted(ranks: Ranks) -> tuple[Mapping[str, float], Mapping[str, float]]:
        metrics = task.pass_metrics()
        own = of_rank(batch, ranks.part, "weighted")
        metrics.update(task.judge(network, own).detached(), own)
        state = ranks.counted(metrics, task.pass_metrics())
        resumed = task.pass_metrics()
        if ranks.is_first:
            resumed.add(state)
        return resumed.values(), ranks.merged(metrics, task.pass_metrics()).values()

    whole = task.pass_metrics()
    whole.update(task.judge(network, batch).detached(), batch)

    (saved, merged), _ = on_ranks(2, counted)

    assert saved == pytest.approx(whole.values(), rel=RELATIVE)
    assert merged == saved
