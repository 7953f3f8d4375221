"""What goes with what, and the recipes that put a head on a backbone. No torch."""

from collections import Counter

import pytest

from catalog_service.models.compositions import (
    CompositionInfeasible,
    InputFacts,
    compose_recipe,
    compositions,
)
from catalog_service.models.placements import PLACEMENTS
from catalog_service.models.tasks import (
    ClassificationTask,
    DetectionTask,
    FeaturesTask,
    InstanceSegmentationTask,
    KeypointsTask,
    RegressionTask,
    SegmentationTask,
    Task,
)

DETECTION = DetectionTask(num_classes=2)

TASKS: dict[tuple[str, str], Task] = {
    ("classification", "linear"): ClassificationTask(num_classes=2),
    ("regression", "linear"): RegressionTask(num_targets=2),
    ("features", "pooled"): FeaturesTask(),
    ("features", "pyramid"): FeaturesTask(output="pyramid"),
    ("instance_segmentation", "mask_rcnn"): InstanceSegmentationTask(num_classes=2),
    ("keypoints", "keypoint_rcnn"): KeypointsTask(num_keypoints=3),
    **{
        ("segmentation", head): SegmentationTask(num_classes=2, head=head)
        for head in ("fcn", "deeplabv3", "lraspp")
    },
    **{
        ("detection", head): DetectionTask(num_classes=2, head=head)
        for head in ("faster_rcnn", "retinanet", "fcos")
    },
}


def necks_of(backbone: str, task: str, head: str) -> set[str]:
    rows = [row for row in compositions() if (row.backbone, row.task) == (backbone, task)]
    return {row.neck for row in rows if row.head == head}


def test_every_backbone_and_task_has_exactly_one_default() -> None:
    rows = compositions()
    defaults = Counter((row.backbone, row.task) for row in rows if row.is_default)

    assert defaults.keys() == {(row.backbone, row.task) for row in rows}
    assert set(defaults.values()) == {1}


def test_names_are_unique_and_in_order() -> None:
    names = [row.name for row in compositions()]

    assert names == sorted(set(names))


def test_every_resnet_takes_every_neck_for_maps_under_every_detector() -> None:
    joining = {"fpn", "bifpn", "pafpn", "transformer_encoder"}
    for backbone in ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"):
        for head in ("faster_rcnn", "retinanet", "fcos"):
            assert joining <= necks_of(backbone, "detection", head), (backbone, head)


def test_a_plain_transformer_takes_the_simple_pyramid() -> None:
    for backbone in ("vit_b_16", "dinov3_vitb16"):
        found = necks_of(backbone, "detection", "retinanet")

        assert found == {"simple_pyramid", "transformer_encoder"}, backbone


def test_all_ninety_backbones_with_maps_take_every_task() -> None:
    tasks = {task for task, _ in TASKS}
    rows = [row for row in compositions() if row.feature_maps]
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row.backbone, set()).add(row.task)

    few = {name: tasks - have for name, have in found.items() if have != tasks}
    assert len(found) == 90
    assert few == {"vit_h_14": {"instance_segmentation", "keypoints"}}


def test_published_models_are_listed_with_their_own_head() -> None:
    published = {
        (row.backbone, row.task, row.head, row.neck) for row in compositions() if row.is_published
    }

    assert published >= {
        ("resnet50", "classification", "linear", "none"),
        ("fcn_resnet50", "segmentation", "fcn", "none"),
        ("lraspp_mobilenet_v3_large", "segmentation", "lraspp", "none"),
        ("fasterrcnn_resnet50_fpn_v2", "detection", "faster_rcnn", "fpn"),
        ("maskrcnn_resnet50_fpn", "instance_segmentation", "mask_rcnn", "fpn"),
        ("keypointrcnn_resnet50_fpn", "keypoints", "keypoint_rcnn", "fpn"),
        ("ssd300_vgg16", "detection", "ssd", "none"),
        ("r3d_18", "classification", "linear", "none"),
        ("dinov3_vitb16", "features", "pooled", "none"),
    }


def test_each_composition_with_maps_has_a_recipe_and_no_other_has() -> None:
    """The list and the refusal come from the same rules; this sees that they agree."""
    necks = ("none", "fpn", "bifpn", "pafpn", "transformer_encoder", "simple_pyramid")
    listed = {(row.backbone, row.task, row.head, row.neck) for row in compositions()}
    for backbone in ("alexnet", "squeezenet1_0", "resnet50", "swin_t", "vit_b_16", "vit_h_14"):
        for (task, head), value in TASKS.items():
            for neck in necks:
                try:
                    choice = compose_recipe(backbone, value, neck)
                except CompositionInfeasible:
                    choice = None
                is_listed = (backbone, task, head, neck) in listed
                assert (choice is not None) == is_listed, (backbone, task, head, neck)
                if choice is not None:
                    assert choice.head["kind"] in PLACEMENTS
                    assert (choice.neck["kind"] if choice.neck else "none") == neck


@pytest.mark.parametrize(
    ("backbone", "task", "head", "neck"),
    [
        ("resnet50", DETECTION, "faster_rcnn", "fpn"),
        ("vit_b_16", DETECTION, "faster_rcnn", "simple_pyramid"),
        ("vit_h_14", DETECTION, "retinanet", "simple_pyramid"),
        ("resnet50", SegmentationTask(num_classes=2), "fcn", None),
        ("swin_t", InstanceSegmentationTask(num_classes=2), "mask_rcnn", "fpn"),
        ("resnet50", FeaturesTask(), "pooled", None),
        ("dinov3_vits16", ClassificationTask(num_classes=2), "pooled", None),
    ],
)
def test_nothing_asked_gives_the_default_head_and_neck(
    backbone: str, task: Task, head: str, neck: str | None
) -> None:
    choice = compose_recipe(backbone, task)

    assert choice.head["kind"] == head
    assert (choice.neck["kind"] if choice.neck else None) == neck


def test_one_stage_detectors_start_at_stride_eight() -> None:
    retinanet = DetectionTask(num_classes=2, head="retinanet")

    assert compose_recipe("resnet50", retinanet).head["feature_maps"] == [
        "layer2",
        "layer3",
        "layer4",
    ]
    pyramid = compose_recipe("vit_b_16", retinanet).neck
    assert pyramid is not None
    assert pyramid["scales"] == [2, 1, 0.5]


def test_lraspp_takes_a_fine_map_and_a_coarse_one_through_any_neck() -> None:
    task = SegmentationTask(num_classes=2, head="lraspp")
    pyramid = compose_recipe("vit_b_16", task).neck

    for neck in ("none", "fpn", "bifpn"):
        assert compose_recipe("resnet18", task, neck).head["feature_maps"] == ["layer2", "layer4"]
    assert pyramid is not None
    assert pyramid["scales"] == [2, 0.5]


def test_bottlenecks_are_dilated_under_a_segmentation_head_without_neck() -> None:
    task = SegmentationTask(num_classes=2)

    assert compose_recipe("resnet50", task).head["trunk_arguments"] == {
        "replace_stride_with_dilation": [False, True, True]
    }
    assert "trunk_arguments" not in compose_recipe("resnet50", task, "fpn").head
    assert "trunk_arguments" not in compose_recipe("resnet18", task).head


def test_the_auxiliary_head_goes_by_the_policy() -> None:
    task = SegmentationTask(num_classes=2)

    assert compose_recipe("resnet50", task).head["aux"] is True
    assert compose_recipe("resnet50", task, aux_heads="drop").head["aux"] is False
    assert compose_recipe("resnet50", task, "fpn").head["aux"] is False
    with pytest.raises(CompositionInfeasible, match="auxiliary head") as caught:
        compose_recipe("vit_b_16", task, aux_heads="keep")
    assert caught.value.violations[0].field == "aux_heads"


def test_a_detector_resizes_and_normalises_as_the_contract_says() -> None:
    facts = InputFacts(mean=(0.5,) * 4, std=(0.25,) * 4, min_size_px=320, max_size_px=640)

    head = compose_recipe("resnet50", DETECTION, facts=facts).head

    assert (head["mean"], head["std"]) == ([0.5] * 4, [0.25] * 4)
    assert (head["min_size_px"], head["max_size_px"]) == (320, 640)
    assert "fixed_size_px" not in head


def test_an_architecture_of_one_size_gets_images_of_that_size() -> None:
    given = InputFacts(fixed_size_px=(224, 320))

    assert compose_recipe("vit_b_16", DETECTION).head["fixed_size_px"] == [224, 224]
    assert compose_recipe("vit_b_16", DETECTION, facts=given).head["fixed_size_px"] == [224, 320]


def test_pooling_is_the_class_token_where_there_is_one() -> None:
    token = compose_recipe("dinov3_vits16", ClassificationTask(num_classes=2)).head
    mean = compose_recipe("resnet50", FeaturesTask()).head
    asked = compose_recipe("vit_b_16", FeaturesTask(pooling="gem")).head

    assert (token["pooling"], token["feature_maps"]) == ("class_token", ["class_token"])
    assert (mean["pooling"], mean["feature_maps"]) == ("avg", ["layer4"])
    assert (asked["pooling"], asked["feature_maps"]) == ("gem", ["patches"])


@pytest.mark.parametrize(
    ("backbone", "task", "neck", "field", "words"),
    [
        ("vit_b_16", DETECTION, "fpn", "neck", ["'fpn'", "simple_pyramid", "patches"]),
        ("resnet50", DETECTION, "simple_pyramid", "neck", ["one map", "feasible are fpn"]),
        ("resnet50", FeaturesTask(), "fpn", "neck", ["pooled takes no neck"]),
        (
            "vit_h_14",
            KeypointsTask(num_keypoints=3),
            "",
            "neck",
            ["powers of two", "14 pixels", "alexnet", "more"],
        ),
        (
            "resnet50",
            DetectionTask(num_classes=2, head="ssd"),
            "",
            "detection.head",
            ["'ssd'", "faster_rcnn, retinanet, fcos"],
        ),
        ("fcn_resnet50", DETECTION, "", "backbone", ["'fcn_resnet50'", "'resnet50'"]),
        ("raft_large", DETECTION, "", "backbone", ["optical_flow", "alexnet", "more"]),
    ],
)
def test_what_does_not_go_is_refused_with_what_does(
    backbone: str, task: Task, neck: str, field: str, words: list[str]
) -> None:
    with pytest.raises(CompositionInfeasible) as caught:
        compose_recipe(backbone, task, neck)

    error = caught.value
    assert error.error_reason == "COMPOSITION_INFEASIBLE"
    assert error.violations[0].field == field
    assert all(word in error.message for word in words), error.message
