"""Classes and numbers of images, in words."""

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.fakes.task_plans import task_plan
from trainer_service.sample_pictures.labelled import ManyClasses, OneClass, Values
from trainer_service.sample_pictures.shown import Seen, Showing, Told

PIXELS = np.zeros((8, 8, 3), dtype=np.uint8)


def told(showing: Showing, target: Tensor, outputs: list[float]) -> Told:
    """Return what is told of an image for which the model gave these outputs."""
    (truth,) = showing.truths(target[None])
    (answer,) = showing.answers(torch.tensor([outputs]))
    return showing.told(Seen(position=0, pixels=PIXELS, truth=truth, answer=answer))


def one(label: int, outputs: list[float]) -> Told:
    """Return what is told of an image of a class."""
    return told(OneClass(task_plan("classification")), torch.tensor(label), outputs)


def test_a_right_class_is_right_and_has_its_probability() -> None:
    answer = one(1, [0.0, 9.0, 0.0])

    assert (answer.truth, answer.prediction, answer.is_right) == ("b", "b (1.00)", True)


def test_a_wrong_class_is_wrong_and_stands_beside_the_true_one() -> None:
    answer = one(2, [4.0, 0.0, 1.0])

    assert (answer.truth, answer.prediction) == ("c", "a (0.94), c (0.05)")
    assert answer.is_right is False


def test_the_surer_a_wrong_answer_the_worse_it_is() -> None:
    badness = [one(0, outputs).badness for outputs in ([9.0, 0, 0], [0, 1.0, 0], [0, 9.0, 0])]

    assert badness == sorted(badness) and len(set(badness)) == 3


def test_outputs_that_are_no_numbers_are_the_worst_of_all() -> None:
    assert one(0, [float("nan")] * 3).badness > one(0, [-1e9, 0.0, 0.0]).badness


@pytest.mark.parametrize(
    ("outputs", "prediction", "is_right"),
    [
        ([9.0, -9.0, 1.0], "a (1.00), c (0.73)", True),
        ([9.0, 9.0, 1.0], "a (1.00), b (1.00), c (0.73)", False),
        ([-9.0, -9.0, -9.0], "nothing", False),
    ],
)
def test_several_classes_are_right_together(
    outputs: list[float], prediction: str, is_right: bool
) -> None:
    answer = told(ManyClasses(task_plan("multilabel")), torch.tensor([1.0, 0.0, 1.0]), outputs)

    assert (answer.truth, answer.prediction, answer.is_right) == ("a, c", prediction, is_right)


def test_numbers_are_told_in_the_units_of_the_data() -> None:
    plan = task_plan(
        "regression", 2, target_mean=(10.0, 0.0), target_std=(4.0, 1.0), target_names=("age", "x")
    )

    answer = told(Values(plan), torch.tensor([14.0, 0.5]), [2.0, 0.5])

    assert (answer.truth, answer.prediction) == ("age 14, x 0.5", "age 18, x 0.5")
    assert answer.badness == 0.5 and answer.is_right is None
