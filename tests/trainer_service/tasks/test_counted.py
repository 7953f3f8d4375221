"""Metrics in the middle of a pass can be saved: others that take over what they counted go on as if
they had counted it all themselves.
"""

from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor

from catalog_service.models.dtypes import SPELLINGS
from tests.fakes.task_plans import CPU, batch_of, task_plan
from trainer_service.datasets.batch import Batch, Targets
from trainer_service.jobs import SimClrSpec
from trainer_service.tasks.simclr import Compared, SimClr, make_projection
from trainer_service.tasks.table import task_for
from trainer_service.tasks.task import Learned, PassMetrics, Task

NUM_IMAGES = 6

Made = tuple[Learned, Batch]


def random(seed: int) -> torch.Generator:
    """Return random numbers that are the same each time."""
    return torch.Generator().manual_seed(seed)


def learned(outputs: object, targets: Targets, seed: int) -> Made:
    """Return what a batch of random images gave."""
    loss = torch.rand((), generator=random(seed))
    return Learned(loss=loss, outputs=outputs), batch_of(torch.zeros(NUM_IMAGES, 1), targets)


def classes(seed: int) -> Made:
    logits = torch.randn(NUM_IMAGES, 3, generator=random(seed))
    return learned(logits, torch.randint(0, 3, (NUM_IMAGES,), generator=random(seed)), seed)


def labels(seed: int) -> Made:
    truth = torch.randint(0, 2, (NUM_IMAGES, 3), generator=random(seed)).float()
    return learned(torch.randn(NUM_IMAGES, 3, generator=random(seed)), truth, seed)


def values(seed: int) -> Made:
    truth = torch.randn(NUM_IMAGES, 3, generator=random(seed + 9))
    return learned(torch.randn(NUM_IMAGES, 3, generator=random(seed)), truth, seed)


def masks(seed: int) -> Made:
    logits = torch.randn(NUM_IMAGES, 3, 4, 4, generator=random(seed))
    truth = torch.randint(0, 3, (NUM_IMAGES, 4, 4), generator=random(seed + 9))
    return learned(logits, truth, seed)


def boxes(count: int, seed: int) -> dict[str, Tensor]:
    """Return as many objects of an image."""
    corners = torch.rand(count, 2, generator=random(seed)) * 10
    sizes = 4 + torch.rand(count, 2, generator=random(seed + 1)) * 10
    squares = torch.zeros(count, 1, 24, 24)
    for number, (left, top) in enumerate(corners.int().tolist()):
        squares[number, :, top : top + 6, left : left + 6] = 1.0
    points = torch.cat([corners + sizes / 2, torch.ones(count, 1)], dim=1)
    return {
        "boxes": torch.cat([corners, corners + sizes], dim=1),
        "labels": torch.randint(1, 3, (count,), generator=random(seed)),
        "masks": squares,
        "keypoints": points[:, None].repeat(1, 2, 1),
    }


def objects(seed: int) -> Made:
    """Return what a detector found, some of it a bit beside."""
    true = [boxes(3, 10 * seed + number) for number in range(NUM_IMAGES)]
    found = []
    for number, each in enumerate(true):
        shift = torch.randn(each["boxes"].shape, generator=random(number))
        scores = torch.rand(3, generator=random(number))
        found.append({**each, "boxes": each["boxes"] + shift, "scores": scores})
    targets = [{**each, "masks": each["masks"][:, 0].to(torch.uint8)} for each in true]
    return learned(found, targets, seed)


def losses(seed: int) -> Made:
    parts = {"classes": torch.rand((), generator=random(seed)), "boxes": torch.tensor(0.5)}
    return learned(parts, [boxes(1, seed) for _ in range(NUM_IMAGES)], seed)


def pairs(seed: int) -> Made:
    """Return what a training batch of SimCLR gave."""
    projections = torch.randn(2 * NUM_IMAGES, 4, generator=random(seed))
    return learned(Compared(features=None, projections=projections), None, seed)


def features(seed: int) -> Made:
    """Return what a validation batch of SimCLR gave."""
    compared = Compared(
        features=torch.randn(NUM_IMAGES, 8, generator=random(seed)),
        projections=torch.randn(2 * NUM_IMAGES, 4, generator=random(seed)),
    )
    truth = torch.randint(0, 3, (NUM_IMAGES,), generator=random(seed))
    return learned(compared, truth, seed)


def simclr() -> Task:
    """Return the task on 8 features."""
    spec = SimClrSpec(num_neighbours=2)
    return SimClr(spec, make_projection(spec, 8, seed=0), CPU)


def of_plan(kind: str) -> Callable[[], Task]:
    """Return what makes a task."""
    return lambda: task_for(task_plan(kind), CPU)


CASES: Mapping[str, tuple[Callable[[], Task], Callable[[int], Made]]] = {
    "classification": (of_plan("classification"), classes),
    "multilabel": (of_plan("multilabel"), labels),
    "regression": (of_plan("regression"), values),
    "segmentation": (of_plan("segmentation"), masks),
    "a detector that learns": (of_plan("detection"), losses),
    "a detector that is judged": (of_plan("detection"), objects),
    "masks that are judged": (of_plan("instance_segmentation"), objects),
    "keypoints that are judged": (of_plan("keypoints"), objects),
    "simclr that learns": (simclr, pairs),
    "simclr that is judged": (simclr, features),
}


def counted(task: Task, batches: list[Made]) -> PassMetrics:
    """Return metrics that have counted these."""
    metrics = task.pass_metrics()
    for gave, batch in batches:
        metrics.update(gave, batch)
    return metrics


@pytest.mark.parametrize("name", CASES)
def test_metrics_that_take_over_go_on_to_the_last_bit(name: str) -> None:
    make, batch = CASES[name]
    task, made = make(), [batch(seed) for seed in range(4)]
    expected = counted(task, made)

    state = {key: each.clone() for key, each in sorted(counted(task, made[:2]).state().items())}
    again = task.pass_metrics()
    again.add(state)
    for gave, each in made[2:]:
        again.update(gave, each)

    assert all(each.dtype in SPELLINGS for each in state.values())
    assert repr(again.values()) == repr(expected.values())
    assert repr(again.evaluation()) == repr(expected.evaluation())


@pytest.mark.parametrize("name", CASES)
def test_metrics_that_begin_anew_would_say_something_else(name: str) -> None:
    make, batch = CASES[name]
    task, made = make(), [batch(seed) for seed in range(4)]

    assert repr(counted(task, made[2:]).values()) != repr(counted(task, made).values())


@pytest.mark.parametrize("name", CASES)
def test_metrics_that_counted_nothing_can_be_saved(name: str) -> None:
    make, batch = CASES[name]
    task, made = make(), [batch(0), batch(1)]
    again = task.pass_metrics()

    again.add(task.pass_metrics().state())
    for gave, each in made:
        again.update(gave, each)

    assert repr(again.values()) == repr(counted(task, made).values())
