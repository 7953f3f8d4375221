"""A few images chosen and drawn: the same every time, the worst ones first, no more than eight."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from tests.fakes.task_plans import task_plan
from trainer_service.datasets.batch import Positions
from trainer_service.datasets.images import Loaded
from trainer_service.jobs import PredictionSample
from trainer_service.sample_pictures import Looked, draw_samples
from trainer_service.sample_pictures.choosing import NUM_SHOWN, NUM_WORST

NUM_IMAGES = 20
WRONG = (17, 3)
"""Positions that the model takes for another class; of the first it is surer."""


def look(positions: Positions) -> Looked:
    """Return images of class 0 as grey as their position, but for the last one, which is lost."""
    read = positions[positions < NUM_IMAGES - 1]
    pixels = torch.from_numpy(read.astype(np.uint8))[:, None, None, None].expand(-1, 48, 48, 3)
    outputs = torch.tensor([[5.0, 0.0, 0.0]] * len(read))
    for sureness, position in zip((9.0, 6.0), WRONG, strict=True):
        outputs[torch.from_numpy(read == position), 1] = sureness
    targets = torch.zeros(len(read), dtype=torch.int64)
    return Looked(
        loaded=Loaded(pixels=pixels.contiguous(), targets=targets, positions=read), outputs=outputs
    )


def samples(folder: Path, order: Sequence[int] = range(NUM_IMAGES)) -> list[PredictionSample]:
    """Return what is drawn of these images of a classification."""
    names = {position: f"image {position}" for position in order}
    return list(draw_samples(folder, task_plan("classification"), names, look).values())


def test_the_worst_come_first_and_others_follow_by_lot(tmp_path: Path) -> None:
    order = np.random.default_rng(0).permutation(NUM_IMAGES).tolist()

    told = samples(tmp_path, order)

    assert len(told) == NUM_SHOWN
    assert [each.image for each in told[:2]] == [f"image {position}" for position in WRONG]
    assert [each.is_right for each in told] == [False, False, *[True] * 6]
    assert [each.is_among_worst for each in told] == [True] * NUM_WORST + [False] * 4


def test_where_all_are_shown_none_was_chosen_for_being_bad(tmp_path: Path) -> None:
    told = samples(tmp_path, [1, 3, 19])

    assert [each.image for each in told] == ["image 3", "image 1"], "one of the three is lost"
    assert not any(each.is_among_worst for each in told)


def test_a_picture_is_that_of_its_image_and_as_large_as_is_told(tmp_path: Path) -> None:
    (told, *_) = samples(tmp_path)

    with Image.open(tmp_path / "sample-1.png") as picture:
        assert picture.size == (told.width_px, told.height_px) == (240, 240)
        assert picture.getpixel((0, 0)) == (WRONG[0],) * 3


def test_the_same_model_and_images_give_the_same_bytes(tmp_path: Path) -> None:
    written = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        samples(tmp_path / name)
        written.append([path.read_bytes() for path in sorted((tmp_path / name).iterdir())])

    assert written[0] == written[1]
    assert len(set(written[0])) == NUM_SHOWN


def test_pictures_of_an_earlier_attempt_are_gone(tmp_path: Path) -> None:
    samples(tmp_path)

    samples(tmp_path, [1])

    assert [path.name for path in tmp_path.iterdir()] == ["sample-1.png"]


def test_nothing_is_looked_at_where_nothing_is_predicted(tmp_path: Path) -> None:
    assert draw_samples(tmp_path, task_plan("simclr"), {1: "image 1"}, look) == {}
    assert list(tmp_path.iterdir()) == []
