"""Masks over images: where they are, in their class's colour, equal where the model is right."""

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from tests.fakes.task_plans import loss_spec, task_plan
from trainer_service.jobs.exports import SamplePanel
from trainer_service.sample_pictures.colors import color_of
from trainer_service.sample_pictures.masks import TINT, ClassMaps
from trainer_service.sample_pictures.shown import Seen

NAMES = ("background", "cat", "<b>dog</b>")
SIDE = 32
IGNORED = 255


def mask_of(index: int, *, top: int = 8) -> Tensor:
    """Return [SIDE, SIDE]: background, but for 8 x 16 pixels of a class."""
    mask = torch.zeros(SIDE, SIDE, dtype=torch.int64)
    mask[top : top + 8, 8:24] = index
    return mask


def showing(activation: str = "softmax") -> ClassMaps:
    """Return what shows masks of NAMES."""
    loss = loss_spec("bce" if activation == "sigmoid" else "cross_entropy", ignore_index=IGNORED)
    return ClassMaps(
        task_plan("segmentation", 3, class_names=NAMES, loss=loss, activation=activation)
    )


def seen(true: Tensor, said: Tensor, shown: ClassMaps | None = None) -> Seen:
    """Return a grey image whose mask is `true`, and a model that said `said`."""
    shown = shown or showing()
    logits = torch.nn.functional.one_hot(said, 3).movedim(-1, 0)[None] * 9.0
    (truth,), (answer,) = shown.truths(true[None]), shown.answers(logits)
    pixels = np.full((SIDE, SIDE, 3), 100, dtype=np.uint8)
    return Seen(position=0, pixels=pixels, truth=truth, answer=answer)


def drawn(image: Seen, panel: SamplePanel) -> npt.NDArray[np.uint8]:
    """Return a panel at the size of the mask."""
    whole = showing().panels(image)[panel]
    return np.array(whole.resize((SIDE, SIDE), Image.Resampling.NEAREST))


def test_the_truth_has_its_class_s_colour_where_it_is_and_nowhere_else() -> None:
    truth = drawn(seen(mask_of(1), mask_of(2)), "truth")

    inside = truth[8:16, 8:24].reshape(-1, 3)
    expected = [round(TINT * part + (1 - TINT) * 100) for part in color_of(1)]
    assert (inside == expected).all()
    outside = truth[mask_of(1).numpy() == 0]
    assert (outside == outside[:, :1]).all(), "what is of no class is grey"


def test_a_model_that_is_right_gives_the_picture_of_the_truth() -> None:
    image = seen(mask_of(1), mask_of(1))

    assert (drawn(image, "truth") == drawn(image, "prediction")).all()
    told = showing().told(image)
    assert told.badness == 0
    assert (told.truth, told.prediction) == ("cat (12 %)", "cat (12 %, IoU 1.00)")


def test_a_wrong_class_has_another_colour_and_says_its_overlap() -> None:
    image = seen(mask_of(1), mask_of(2))

    assert (drawn(image, "truth") != drawn(image, "prediction"))[8:16, 8:24].any(-1).all()
    told = showing().told(image)
    assert told.prediction == "<b>dog</b> (12 %, IoU 0.00)"
    assert told.badness > 0.5
    assert [each.class_name for each in told.legend] == ["cat", "<b>dog</b>"]


def test_the_same_class_elsewhere_is_worse_than_half_of_it_where_it_is() -> None:
    half = mask_of(1)
    half[12:] = 0

    elsewhere, partly = seen(mask_of(1), mask_of(1, top=20)), seen(mask_of(1), half)

    assert showing().told(elsewhere).badness > showing().told(partly).badness > 0


def test_what_counts_for_nothing_is_striped_and_told_apart() -> None:
    mask = mask_of(1)
    mask[:4] = IGNORED

    image = seen(mask, mask_of(1))

    assert showing().told(image).truth == "cat (14 %); 12 % not counted"
    assert set(np.unique(drawn(image, "truth")[:4])) == {168, 216}


def test_independent_classes_may_leave_a_pixel_without_any() -> None:
    shown = showing("sigmoid")
    logits = torch.full((1, 3, SIDE, SIDE), -5.0)
    logits[0, 2, :16] = 5.0

    (answer,) = shown.answers(logits)

    assert isinstance(answer, np.ndarray)
    assert (answer[:16] == 2).all() and (answer[16:] == -1).all()
