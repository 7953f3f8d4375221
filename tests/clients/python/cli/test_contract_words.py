"""Contracts in words: every kind of input and output."""

import pytest

from tests.fakes.model_answers import INPUT
from vertebra.cli import contract_words
from vertebra.model.v1 import contracts_pb2, model_spec_pb2

Spec = model_spec_pb2.ModelSpec
Output = contracts_pb2.OutputContract


def test_a_detector_takes_a_list_of_images() -> None:
    one = contracts_pb2.InputContract(
        num_channels=3,
        is_image_list=True,
        resize_shorter_side_px=800,
        max_longer_side_px=1333,
        mean=[0.5] * 3,
        std=[0.25] * 3,
        channel_names=["R", "G", "B"],
    )

    assert contract_words.takes(one) == [
        "a list of images [3, H, W] of any size, values 0 to 1, R, G, B",
        "resized inside: the shorter side to 800 px, the longer to at most 1333",
        "normalised inside: mean 0.5, 0.5, 0.5, std 0.25, 0.25, 0.25",
    ]


def test_a_clip_has_frames() -> None:
    one = contracts_pb2.InputContract(num_channels=3, height_px=112, width_px=112, num_frames=16)

    assert contract_words.takes(one)[0] == "[B, 3, 16, 112, 112]"


def test_a_fixed_size_says_how_to_get_another() -> None:
    one = contracts_pb2.InputContract()
    one.CopyFrom(INPUT)
    one.sizes.is_fixed = True

    assert contract_words.takes(one)[-1] == "only this size; another one is asked for with --size"


def test_many_channels_are_cut() -> None:
    one = contracts_pb2.InputContract(num_channels=13, height_px=8, width_px=8, mean=[0.5] * 13)
    one.channel_names.extend(f"channel{number}" for number in range(13))

    lines = contract_words.takes(one)

    assert lines[0].endswith("channel3, channel4, ...")
    assert "mean 0.5, 0.5, 0.5, 0.5, 0.5, ..., std" in lines[2]


def test_detections_name_each_tensor_and_the_rule() -> None:
    one = Output(
        kind="detections",
        tensors=[
            contracts_pb2.OutputTensor(name="boxes", shape=[-1, 4], meaning="x1, y1, x2, y2"),
            contracts_pb2.OutputTensor(name="labels", shape=[-1]),
        ],
        detection=contracts_pb2.DetectionRule(
            score_threshold=0.05, nms_iou_threshold=0.5, max_detections=100
        ),
    )

    assert contract_words.gives(one) == [
        "boxes with a class and a score",
        "boxes [?, 4]  x1, y1, x2, y2",
        "labels [?]",
        "scores above 0.05, at most 100 boxes that overlap less than 0.5",
    ]


def test_regression_says_how_values_come_back() -> None:
    one = Output(kind="values", shape=[2], target_names=["x", "y"], target_std=[1.0, 2.0])

    assert contract_words.gives(one) == [
        "[B, 2] numbers",
        "targets: x, y",
        "value = output * std + mean of the target",
    ]


@pytest.mark.parametrize(
    ("spec", "output", "told"),
    [
        (Spec(), Output(kind="flow"), "optical flow as published"),
        (
            Spec(segmentation=model_spec_pb2.SegmentationTask(num_classes=3)),
            Output(),
            "segmentation of 3 classes",
        ),
        (
            Spec(neck="bifpn", detection=model_spec_pb2.DetectionTask(head="fcos")),
            Output(class_names=["__background__", "cat"]),
            "detection of 1 class: cat; head fcos; neck bifpn",
        ),
        (
            Spec(features=model_spec_pb2.FeaturesTask(output="pyramid"), neck="fpn"),
            Output(),
            "features; output pyramid; neck fpn",
        ),
        (
            Spec(),
            Output(kind="logits", class_names=[f"c{number}" for number in range(1000)]),
            "classification as published of 1000 classes: c0, c1, c2, c3 and 996 more",
        ),
    ],
)
def test_a_task_is_said_in_one_line(spec: Spec, output: Output, told: str) -> None:
    assert contract_words.task(spec, output) == told
