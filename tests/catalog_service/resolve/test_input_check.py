"""What becomes of images of a size, in evaluation and in training."""

from typing import Any

import pytest

from catalog_service.errors import InvalidRequest
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.resolve.input_check import (
    GivenInput,
    InputCheck,
    VerdictKind,
    check_input,
    require_sane,
)
from tests.catalog_service.models.with_stem import with_stem

INDEX = CatalogIndex.load()

OK, CROP, INTERPOLATE, ERROR = VerdictKind


def check(name: str, height: int, width: int, **given: Any) -> InputCheck:
    fields = given.pop("fields", {})
    plan = with_stem(INDEX, name, 0, **fields)
    return check_input(plan, GivenInput(height_px=height, width_px=width, **given))


@pytest.mark.parametrize(
    ("name", "size", "evaluation", "training"),
    [
        ("resnet18", (224, 224), OK, OK),
        ("resnet18", (1, 1), OK, OK),
        ("alexnet", (62, 300), ERROR, ERROR),
        ("alexnet", (63, 63), OK, OK),
        ("swin_t", (4, 5), OK, OK),
        ("inception_v3", (75, 75), OK, ERROR),
        ("inception_v3", (299, 299), OK, OK),
        ("vit_b_16", (224, 224), OK, OK),
        ("vit_b_16", (384, 224), INTERPOLATE, INTERPOLATE),
        ("vit_b_16", (230, 230), ERROR, ERROR),
        ("maxvit_t", (448, 448), INTERPOLATE, INTERPOLATE),
        ("maxvit_t", (448, 224), ERROR, ERROR),
        ("dinov3_vits16", (225, 191), CROP, CROP),
        ("dinov3_vits16", (15, 64), ERROR, ERROR),
        ("raft_small", (130, 130), ERROR, ERROR),
        ("fasterrcnn_resnet50_fpn", (17, 2000), OK, OK),
    ],
)
def test_a_size_runs_or_not(
    name: str, size: tuple[int, int], evaluation: VerdictKind, training: VerdictKind
) -> None:
    found = check(name, *size)

    assert (found.evaluation.kind, found.training.kind) == (evaluation, training)
    for verdict in (found.evaluation, found.training):
        assert bool(verdict.reasons) is (verdict.kind is not OK)
        assert bool(verdict.nearest) is (verdict.kind is not OK)


def test_a_cropped_border_is_told() -> None:
    seen = check("dinov3_vits16", 225, 191).evaluation

    assert (seen.seen_height_px, seen.seen_width_px) == (224, 176)
    assert "of 225x191 only 224x176 are seen" in seen.reasons[0]
    assert seen.nearest[0] == (224, 192)


def test_what_does_not_run_sees_nothing() -> None:
    seen = check("alexnet", 62, 300).evaluation

    assert (seen.seen_height_px, seen.seen_width_px) == (0, 0)
    assert seen.nearest == ((63, 300),)


def test_nearest_sizes_for_training_are_larger() -> None:
    found = check("inception_v3", 200, 320)

    assert found.evaluation.kind is OK
    assert found.training.nearest == ((299, 320),)
    assert "trains from 299x299" in found.training.reasons[0]


@pytest.mark.parametrize(
    ("name", "size", "batch", "kind"),
    [
        ("resnet18", 32, 1, ERROR),
        ("resnet18", 33, 1, OK),
        ("resnet18", 32, 2, OK),
        ("resnet18", 32, 0, OK),
        ("deeplabv3_mobilenet_v3_large", 520, 1, ERROR),
        ("convnext_tiny", 32, 1, OK),
    ],
)
def test_a_batch_of_one_may_not_train(name: str, size: int, batch: int, kind: VerdictKind) -> None:
    found = check(name, size, size, batch_size=batch)

    assert found.evaluation.kind is OK
    assert found.training.kind is kind


def test_our_deeplab_head_does_not_train_with_one_image_either() -> None:
    fields = {"segmentation": {"num_classes": 2, "head": "deeplabv3"}}

    assert check("resnet18", 64, 64, batch_size=1, fields=fields).training.kind is ERROR


def test_channels_are_compared_with_the_specs() -> None:
    wrong = check("resnet18", 64, 64, num_channels=4).evaluation
    right = check("resnet18", 64, 64, num_channels=4, fields={"in_channels": 4}).evaluation

    assert wrong.kind is ERROR
    assert "this model takes 3" in wrong.reasons[0]
    assert right.kind is OK


def test_a_model_that_is_built_for_a_size_takes_it() -> None:
    fields = {"image_height_px": 224, "image_width_px": 448}

    assert check("vit_b_16", 224, 448, fields=fields).evaluation.kind is OK
    assert check("vit_b_16", 224, 224, fields=fields).evaluation.kind is INTERPOLATE


def test_nonsense_is_refused_all_at_once() -> None:
    with pytest.raises(InvalidRequest) as caught:
        require_sane(GivenInput(height_px=0, width_px=9000, num_channels=-1, batch_size=-1))

    fields = [found.field for found in caught.value.violations]
    assert fields == ["height_px", "width_px", "num_channels", "batch_size"]
