"""Contradictions of every task, told with their fields."""

from typing import Any

import pytest

from catalog_service.models.spec import ModelSpec
from catalog_service.models.spec_check import (
    HEAD_WORDS,
    MAX_HEAD_BYTES,
    NECKS,
    POOLINGS,
    check,
    check_head_size,
)
from catalog_service.models.tasks import TASKS

TWO = {"num_classes": 2}

BAD: list[tuple[dict[str, Any], str]] = [
    ({"regression": {}}, "regression.num_targets"),
    ({"regression": {"target_names": ["x", "x"]}}, "regression.target_names"),
    ({"regression": {"num_targets": 1, "dropout": 1.0}}, "regression.dropout"),
    ({"regression": {"num_targets": 1, "hidden_units": [0]}}, "regression.hidden_units"),
    ({"regression": {"num_targets": 1, "hidden_units": [8] * 17}}, "regression.hidden_units"),
    ({"classification": {**TWO, "hidden_units": [65_537]}}, "classification.hidden_units"),
    ({"classification": {**TWO, "dropout": -0.1}}, "classification.dropout"),
    ({"classification": {**TWO, "pooling": "sum"}}, "classification.pooling"),
    ({"classification": {**TWO, "keep_known_classes": True}}, "classification.keep_known_classes"),
    (
        {
            "classification": {
                "class_names": ["a"],
                "keep_known_classes": True,
                "hidden_units": [8],
            }
        },
        "classification.keep_known_classes",
    ),
    (
        {
            "classification": {"class_names": ["a"], "keep_known_classes": True},
            "pretrained": False,
        },
        "classification.keep_known_classes",
    ),
    ({"segmentation": {}}, "segmentation.num_classes"),
    ({"segmentation": {**TWO, "head": "unet"}}, "segmentation.head"),
    ({"detection": {"class_names": ["__background__", "a"]}}, "detection.class_names"),
    ({"detection": {**TWO, "head": "fcn"}}, "detection.head"),
    ({"detection": {"num_classes": -1}}, "detection.num_classes"),
    ({"instance_segmentation": {"class_names": [""]}}, "instance_segmentation.class_names"),
    ({"keypoints": {}}, "keypoints.num_keypoints"),
    ({"keypoints": {"num_keypoints": 1001}}, "keypoints.num_keypoints"),
    ({"keypoints": {"keypoint_names": ["a", "a"]}}, "keypoints.keypoint_names"),
    ({"keypoints": {"num_keypoints": 1, "head": "mask_rcnn"}}, "keypoints.head"),
    ({"features": {"output": "logits"}}, "features.output"),
    ({"features": {"output": "pyramid", "pooling": "avg"}}, "features.pooling"),
    ({"in_channels": -1}, "in_channels"),
    ({"in_channels": 1025}, "in_channels"),
    ({"stem_adaptation": "repeat"}, "stem_adaptation"),
    ({"in_channels": 4, "stem_adaptation": "tile"}, "stem_adaptation"),
    ({"aux_heads": "train"}, "aux_heads"),
    ({"neck": "unet", "detection": TWO}, "neck"),
    ({"neck": "fpn"}, "neck"),
    ({"neck": "fpn", "classification": TWO}, "neck"),
    ({"neck": "fpn", "features": {}}, "neck"),
    ({"remove_modules": ["a", "a"]}, "remove_modules"),
    ({"remove_modules": [""]}, "remove_modules"),
    ({"remove_modules": [f"layer{each}" for each in range(1001)]}, "remove_modules"),
    ({"remove_modules": ["x" * 1001]}, "remove_modules"),
    ({"classification": {"class_names": ["a" * 1001]}}, "classification.class_names"),
    (
        {"classification": {"class_names": [str(each) for each in range(200_000)]}},
        "classification.class_names",
    ),
    ({"arguments": {"hidden_size": 8}}, "arguments"),
    ({"image_height_px": 8193, "image_width_px": 8}, "image_height_px"),
]


@pytest.mark.parametrize(("fields", "field"), BAD)
def test_each_contradiction_is_told_alone_with_its_field(
    fields: dict[str, Any], field: str
) -> None:
    found = check(ModelSpec.from_json({"backbone": "resnet50", **fields}))

    assert [violation.field for violation in found] == [field]


GOOD: list[dict[str, Any]] = [
    {"classification": {**TWO, "dropout": 0.0, "hidden_units": [1], "pooling": "gem"}},
    {"in_channels": 13, "stem_adaptation": "random"},
    {"neck": "none", "classification": TWO},
    {"neck": "fpn", "features": {"output": "pyramid"}},
    {"pretrained": False, "arguments": {"hidden_size": 8}},
    {"weights": "checkpoints/tiny", "arguments": {"hidden_size": 8}},
    {"keypoints": {"keypoint_names": ["a", "b"], "class_names": ["dog"]}},
    *({"detection": {**TWO, "head": word}} for word in HEAD_WORDS["detection"]),
    *({"detection": TWO, "neck": word} for word in NECKS),
    *({"features": {"pooling": word}} for word in POOLINGS),
]


@pytest.mark.parametrize("fields", GOOD, ids=str)
def test_what_makes_sense_is_taken(fields: dict[str, Any]) -> None:
    assert check(ModelSpec.from_json({"backbone": "resnet50", **fields})) == []


def test_every_task_is_checked() -> None:
    """A task without anything in it is a problem but for features."""
    for kind in TASKS:
        found = check(ModelSpec.from_json({"backbone": "resnet50", kind: {}}))

        assert bool(found) is (kind != "features"), kind


def test_problems_of_all_parts_come_together() -> None:
    spec = {
        "backbone": "",
        "seed": -1,
        "neck": "x",
        "in_channels": -1,
        "classification": {"dropout": 2.0},
    }

    fields = {violation.field for violation in check(ModelSpec.from_json(spec))}

    assert fields == {
        "backbone",
        "seed",
        "neck",
        "in_channels",
        "classification.num_classes",
        "classification.dropout",
    }


def test_the_largest_head_is_taken_and_one_more_byte_is_not() -> None:
    assert check_head_size("f", 100, MAX_HEAD_BYTES // 4) == []
    [found] = check_head_size("f", 1000, MAX_HEAD_BYTES // 2)
    assert "about 500 outputs" in found.description
