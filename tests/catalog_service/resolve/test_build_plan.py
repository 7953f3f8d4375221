"""What specs mean: own heads, composed ones, where numbers may come from, every problem at once."""

from pathlib import Path
from typing import Any

import pytest

from catalog_service.checkpoints.checkpoint import Checkpoint
from catalog_service.checkpoints.registry import Registry
from catalog_service.errors import InvalidRequest, Precondition
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.compositions import CompositionInfeasible
from catalog_service.models.layout import LoadReport
from catalog_service.models.lineage import Lineage
from catalog_service.models.spec import ModelSpec
from catalog_service.resolve.build_plan import BuildPlan, plan_build

INDEX = CatalogIndex.load()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    folder: Path = tmp_path_factory.mktemp("registry")
    registry = Registry(f"sqlite:///{folder}/catalog.db")
    registry.add(
        Checkpoint(
            checkpoint_id="letters",
            architecture_id="resnet50",
            structure_of="torchvision/ResNet50_Weights.IMAGENET1K_V1",
            backbone_digest="sha256:1",
            blob_digest="sha256:2",
            blob_size_bytes=1,
            lineage=Lineage(),
            load_report=LoadReport(),
            metrics={},
            mean=(0.1, 0.2, 0.3),
            std=(0.4, 0.5, 0.6),
            create_time=0.0,
        ),
        "",
        "",
    )
    return registry


def plan(registry: Registry, **fields: Any) -> BuildPlan:
    return plan_build(ModelSpec.from_json({"backbone": "resnet50", **fields}), INDEX, registry)


def problems(registry: Registry, **fields: Any) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as caught:
        plan(registry, **fields)
    return {found.field: found.description for found in caught.value.violations}


TWO = {"num_classes": 2}

SPECS: list[dict[str, Any]] = [
    {},
    {"classification": {**TWO, "hidden_units": [8], "dropout": 0.1, "multilabel": True}},
    {"classification": {**TWO, "pooling": "gem"}},
    {"regression": {"num_targets": 2}, "in_channels": 4, "stem_adaptation": "average"},
    {"segmentation": TWO},
    {"segmentation": {**TWO, "head": "deeplabv3"}, "aux_heads": "drop"},
    {"detection": TWO, "image_height_px": 320, "image_width_px": 480},
    {"detection": {**TWO, "head": "retinanet"}, "neck": "bifpn"},
    {"instance_segmentation": TWO},
    {"keypoints": {"num_keypoints": 3}},
    {"features": {}},
    {"features": {"output": "pyramid"}, "neck": "fpn"},
    {"features": {"output": "identity"}},
    {"backbone": "fcn_resnet50", "segmentation": TWO},
    {"backbone": "fcn_resnet50", "aux_heads": "drop"},
    {"backbone": "fasterrcnn_resnet50_fpn", "detection": TWO},
    {"backbone": "keypointrcnn_resnet50_fpn", "keypoints": {"num_keypoints": 3}},
    {"backbone": "googlenet", "classification": TWO, "aux_heads": "keep", "in_channels": 6},
    {"backbone": "vit_b_16", "image_height_px": 224, "image_width_px": 448},
    {"backbone": "vit_b_16", "detection": TWO},
    {"backbone": "dinov3_vits16"},
    {"backbone": "dinov3_vits16", "classification": TWO},
    {"backbone": "r3d_18", "classification": TWO, "in_channels": 1},
    {"backbone": "resnet50", "weights": "checkpoints/letters", "segmentation": TWO},
]


@pytest.mark.parametrize("fields", SPECS, ids=str)
def test_a_resolved_spec_means_the_same(registry: Registry, fields: dict[str, Any]) -> None:
    first = plan(registry, **fields)

    assert plan_build(first.spec, INDEX, registry) == first
    assert ModelSpec.from_json(first.spec.to_json()) == first.spec


OWN = [
    ("resnet50", {"classification": TWO}, "classification"),
    ("resnet50", {"regression": {"num_targets": 1}}, "regression"),
    ("fcn_resnet50", {"segmentation": TWO}, "segmentation"),
    ("fasterrcnn_resnet50_fpn", {"detection": {**TWO, "head": "faster_rcnn"}}, "detection"),
    ("maskrcnn_resnet50_fpn", {"instance_segmentation": TWO}, "instance_segmentation"),
    ("resnet50", {"classification": {**TWO, "pooling": "max"}}, "pooled"),
    ("dinov3_vits16", {"classification": TWO}, "pooled"),
    ("resnet50", {"segmentation": TWO}, "fcn"),
    ("resnet50", {"detection": TWO}, "faster_rcnn"),
]


@pytest.mark.parametrize(("name", "fields", "kind"), OWN)
def test_a_head_is_the_architectures_own_where_it_was_published_for_the_task(
    registry: Registry, name: str, fields: dict[str, Any], kind: str
) -> None:
    head = plan(registry, backbone=name, **fields).recipe.head

    assert head is not None and head["kind"] == kind


def test_background_is_one_more_output(registry: Registry) -> None:
    planned = plan(registry, backbone="fasterrcnn_resnet50_fpn", detection=TWO)

    assert planned.recipe.head == {"kind": "detection", "num_outputs": 3}
    assert planned.spec.task is not None and planned.spec.to_json()["detection"]["num_classes"] == 2


@pytest.mark.parametrize(
    ("name", "fields", "keeps"),
    [
        ("googlenet", {"classification": TWO}, None),
        ("googlenet", {"classification": TWO, "aux_heads": "keep"}, True),
        ("fcn_resnet50", {"segmentation": TWO}, True),
        ("fcn_resnet50", {"segmentation": TWO, "aux_heads": "drop"}, None),
    ],
)
def test_auxiliary_heads_follow_the_task_or_the_wish(
    registry: Registry, name: str, fields: dict[str, Any], keeps: bool | None
) -> None:
    head = plan(registry, backbone=name, **fields).recipe.head

    assert head is not None and head.get("aux") is keeps


def test_the_published_head_may_lose_its_auxiliary_ones(registry: Registry) -> None:
    whole, bare = (
        plan(registry, backbone="inception_v3", aux_heads=policy) for policy in ("", "drop")
    )

    assert whole.recipe.arguments["aux_logits"] is True
    assert bare.recipe.arguments["aux_logits"] is False
    assert (whole.sizes.min_training_px, bare.sizes.min_training_px) == (299, 75)


@pytest.mark.parametrize("weights", ["checkpoints/letters", "ResNet50_Weights.IMAGENET1K_V1"])
def test_numbers_of_the_backbone_start_a_dense_model(registry: Registry, weights: str) -> None:
    planned = plan(registry, backbone="fasterrcnn_resnet50_fpn", weights=weights, detection=TWO)

    assert planned.structure.architecture_id == "fasterrcnn_resnet50_fpn"
    assert "norm_eps" in planned.structure.arguments
    assert "norm_eps" not in planned.recipe.arguments
    assert planned.recipe.arguments["norm_layer"] == "frozen_batch_norm"


def test_a_detector_normalises_as_its_backbones_numbers_want(registry: Registry) -> None:
    planned = plan(
        registry, backbone="fasterrcnn_resnet50_fpn", weights="checkpoints/letters", detection=TWO
    )

    assert planned.recipe.arguments["image_mean"] == [0.1, 0.2, 0.3]
    assert planned.input.mean == (0.1, 0.2, 0.3)


def test_our_detectors_are_told_size_and_statistics(registry: Registry) -> None:
    planned = plan(registry, detection=TWO, in_channels=1, image_height_px=96, image_width_px=128)

    head = planned.recipe.head
    assert head is not None
    assert (head["min_size_px"], head["max_size_px"]) == (96, 128)
    assert head["mean"] == pytest.approx([0.449])
    assert planned.recipe.stem == {"in_channels": 1, "adaptation": "repeat"}


def test_kept_rows_are_told_by_name(registry: Registry) -> None:
    kept = {"class_names": ["Hen", "nothing like it"], "keep_known_classes": True}

    head = plan(registry, classification=kept).recipe.head

    assert head is not None
    [[new, old]] = head["known_rows"]
    assert new == 0
    assert INDEX.weight("resnet50").categories[old] == "hen"


def test_a_detector_keeps_its_background(registry: Registry) -> None:
    kept = {"class_names": ["person"], "keep_known_classes": True}

    head = plan(registry, backbone="fcos_resnet50_fpn", detection=kept).recipe.head

    assert head is not None and head["known_rows"] == [[0, 0], [1, 1]]


KEPT = {"class_names": ["hen", "tench"], "keep_known_classes": True}

BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"weights": "ResNet18_Weights.DEFAULT"}, "weights", "numbers of resnet50 fit"),
    ({"weights": "checkpoints/letters"}, "classification", "a backbone without this head"),
    ({"backbone": "fcn_resnet50", "weights": "checkpoints/letters"}, "segmentation", "such as"),
    ({"aux_heads": "keep"}, "aux_heads", "resnet50 has no auxiliary heads"),
    ({"pretrained": False, "arguments": {"depth": 3}}, "arguments", "takes no 'depth'; it takes"),
    ({"classification": {"num_classes": 10**6}}, "classification.num_classes", "at most 2 GiB"),
    (
        {"classification": {**TWO, "hidden_units": [65_536] * 2}},
        "classification.hidden_units",
        "2 layers of 22169 fit",
    ),
    ({"in_channels": 2**31 - 1}, "in_channels", "not between 1 and 1024"),
    (
        {
            "backbone": "dinov3_vits16",
            "pretrained": False,
            "arguments": {"hidden_size": 4096, "num_attention_heads": 32},
            "classification": {"num_classes": 10**6},
        },
        "classification.num_classes",
        "about 131072 outputs",
    ),
    (
        {"classification": {"class_names": ["aaa"], "keep_known_classes": True}},
        "classification.keep_known_classes",
        "no published row",
    ),
    (
        {"classification": KEPT, "weights": "checkpoints/letters"},
        "classification.keep_known_classes",
        "no published row",
    ),
    (
        {"detection": KEPT},
        "detection.keep_known_classes",
        "published for classification",
    ),
    (
        {"backbone": "dinov3_vits16", "features": {"output": "identity"}},
        "features.output",
        "has none",
    ),
    (
        {"backbone": "vit_b_16", "image_height_px": 225, "image_width_px": 448},
        "image_height_px",
        "nearest are 224x448, 240x448",
    ),
    ({"backbone": "raft_small", "in_channels": 4}, "in_channels", "takes 3 channels"),
]


@pytest.mark.parametrize(("fields", "field", "why"), BAD)
def test_what_does_not_go_is_said_with_what_would(
    registry: Registry, fields: dict[str, Any], field: str, why: str
) -> None:
    assert why in problems(registry, **fields)[field]


def test_a_million_classes_are_fine_where_the_head_is_small(registry: Registry) -> None:
    planned = plan(registry, backbone="resnet18", classification={"num_classes": 10**6})

    assert planned.output.shape == (10**6,)


def test_every_problem_is_told_together(registry: Registry) -> None:
    found = problems(
        registry,
        backbone="swin_t",
        weights="resnet18",
        seed=-1,
        image_height_px=2,
        image_width_px=2,
        classification={"num_classes": 10**6 + 1, "dropout": 2.0},
        aux_heads="keep",
    )

    assert set(found) >= {
        "seed",
        "weights",
        "image_height_px",
        "classification.num_classes",
        "classification.dropout",
    }


def test_an_infeasible_composition_has_its_own_reason(registry: Registry) -> None:
    with pytest.raises(CompositionInfeasible, match="its backbone does: 'resnet50'") as caught:
        plan(registry, backbone="fcn_resnet50", detection=TWO)

    assert caught.value.error_reason == "COMPOSITION_INFEASIBLE"


def test_other_problems_come_before_an_infeasible_composition(registry: Registry) -> None:
    assert set(problems(registry, backbone="fcn_resnet50", detection=TWO, seed=-1)) == {"seed"}


def test_a_quantized_architecture_names_its_float_twin(registry: Registry) -> None:
    with pytest.raises(Precondition, match="use 'resnet18'"):
        plan(registry, backbone="quantized_resnet18")


FEATURES_ONLY = {"backbone": "vgg16", "weights": "VGG16_Weights.IMAGENET1K_FEATURES"}


@pytest.mark.parametrize(
    "task", [{}, {"classification": TWO}, {"regression": {"num_targets": 1}}], ids=str
)
def test_weights_without_a_head_are_refused_for_tasks_that_keep_it(
    registry: Registry, task: dict[str, Any]
) -> None:
    """VGG's classifier is published as NaN there; a new last layer would sit on it."""
    found = problems(registry, **FEATURES_ONLY, **task)

    assert "its classifier holds no numbers" in found["weights"]


@pytest.mark.parametrize(
    "task", [{"features": {}}, {"detection": TWO}, {"classification": {**TWO, "pooling": "gem"}}]
)
def test_weights_without_a_head_start_what_needs_the_trunk_alone(
    registry: Registry, task: dict[str, Any]
) -> None:
    weight = plan(registry, **FEATURES_ONLY, **task).weight

    assert weight is not None
    assert weight.reference == "torchvision/VGG16_Weights.IMAGENET1K_FEATURES"
