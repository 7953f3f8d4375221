"""What comes out of a model, compared with the models themselves."""

from typing import Any

import pytest
import torch

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.index.detection_facts import COCO_KEYPOINTS, DETECTION_RULES
from catalog_service.models.contracts import OutputContract
from catalog_service.models.skeleton import build, skeleton
from tests.catalog_service.models.with_stem import with_stem


@pytest.fixture(scope="module")
def index() -> CatalogIndex:
    return CatalogIndex.load()


def contract_of(index: CatalogIndex, name: str, **fields: Any) -> OutputContract:
    return with_stem(index, name, 0, **fields).output


VECTORS = [
    ("resnet18", {"classification": {"class_names": ["a", "b"]}}, "logits", "softmax"),
    (
        "squeezenet1_1",
        {"classification": {"num_classes": 2, "multilabel": True}},
        "multilabel_logits",
        "sigmoid",
    ),
    ("resnet18", {"regression": {"target_names": ["x", "y"]}}, "values", "none"),
    ("resnet18", {"features": {"output": "identity"}}, "features", "none"),
    ("vgg11", {"features": {"output": "identity"}}, "features", "none"),
    ("resnet18", {"features": {}}, "features", "none"),
    ("resnet18", {"features": {"pooling": "avg_max"}}, "features", "none"),
    ("dinov3_vits16", {"classification": {"num_classes": 2}}, "logits", "softmax"),
    ("resnet18", {}, "logits", "softmax"),
]


@pytest.mark.parametrize(("name", "fields", "kind", "activation"), VECTORS)
def test_a_vector_has_the_shape_that_the_contract_says(
    index: CatalogIndex, name: str, fields: dict[str, Any], kind: str, activation: str
) -> None:
    plan = with_stem(index, name, 0, **fields)

    output = skeleton(plan.recipe).eval()(torch.empty(2, 3, 64, 64, device="meta"))

    assert tuple(output.shape[1:]) == plan.output.shape == plan.output.tensors[0].shape
    assert (plan.output.kind, plan.output.activation) == (kind, activation)


@pytest.mark.parametrize(
    ("name", "fields", "has_aux"),
    [
        ("fcn_resnet50", {"segmentation": {"num_classes": 2}}, True),
        ("fcn_resnet50", {"segmentation": {"num_classes": 2}, "aux_heads": "drop"}, False),
        ("lraspp_mobilenet_v3_large", {"segmentation": {"num_classes": 2}}, False),
        ("deeplabv3_mobilenet_v3_large", {}, True),
        ("resnet18", {"segmentation": {"num_classes": 2}}, True),
    ],
)
def test_maps_have_the_names_and_shapes_that_the_contract_says(
    index: CatalogIndex, name: str, fields: dict[str, Any], has_aux: bool
) -> None:
    plan = with_stem(index, name, 0, **fields)

    output = skeleton(plan.recipe).eval()(torch.empty(2, 3, 64, 96, device="meta"))

    assert_tensors(output, plan.output)
    assert ("aux" in output) is has_aux


@pytest.mark.parametrize(
    ("name", "neck"), [("resnet18", "fpn"), ("resnet18", "none"), ("vit_b_32", "simple_pyramid")]
)
def test_a_pyramid_has_the_maps_that_the_contract_says(
    index: CatalogIndex, name: str, neck: str
) -> None:
    plan = with_stem(index, name, 0, features={"output": "pyramid"}, neck=neck)

    output = skeleton(plan.recipe).eval()(torch.empty(2, 3, 224, 224, device="meta"))

    assert_tensors(output, plan.output)


def assert_tensors(output: dict[str, torch.Tensor], contract: OutputContract) -> None:
    assert list(output) == [tensor.name for tensor in contract.tensors]
    for tensor in contract.tensors:
        shape = tuple(output[tensor.name].shape[1:])
        assert len(shape) == len(tensor.shape)
        assert all(said in (-1, side) for said, side in zip(tensor.shape, shape, strict=True))


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("fasterrcnn_mobilenet_v3_large_320_fpn", {"detection": {"class_names": ["a"]}}),
        ("ssdlite320_mobilenet_v3_large", {}),
    ],
)
def test_detections_have_the_tensors_that_the_contract_says(
    index: CatalogIndex, name: str, fields: dict[str, Any]
) -> None:
    torch.set_num_threads(1)
    plan = with_stem(index, name, 0, **fields)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        model = build(plan.recipe).eval()
        [found] = model([torch.rand(3, 64, 64)])

    assert found.keys() == {tensor.name for tensor in plan.output.tensors}
    assert found["labels"].dtype == torch.int64
    assert plan.output.class_names[0] == "__background__"
    assert plan.output.activation == "none"


DETECTORS = {
    "faster_rcnn": "fasterrcnn_mobilenet_v3_large_320_fpn",
    "mask_rcnn": "maskrcnn_resnet50_fpn",
    "keypoint_rcnn": "keypointrcnn_resnet50_fpn",
    "retinanet": "retinanet_resnet50_fpn",
    "fcos": "fcos_resnet50_fpn",
    "ssd": "ssd300_vgg16",
    "ssdlite": "ssdlite320_mobilenet_v3_large",
}


@pytest.mark.parametrize("kind", DETECTORS)
def test_the_rule_is_what_the_detector_does(index: CatalogIndex, kind: str) -> None:
    rule = DETECTION_RULES[kind]
    model: Any = skeleton(index.recipe_for(DETECTORS[kind]))
    own = getattr(model, "roi_heads", model)

    assert contract_of(index, DETECTORS[kind]).detection == rule
    assert (own.score_thresh, own.nms_thresh, own.detections_per_img) == (
        rule.score_threshold,
        rule.nms_iou_threshold,
        rule.max_detections,
    )
    assert DETECTION_RULES.keys() == DETECTORS.keys()


def test_keypoints_and_masks_say_more(index: CatalogIndex) -> None:
    published = contract_of(index, "keypointrcnn_resnet50_fpn")
    own = contract_of(index, "keypointrcnn_resnet50_fpn", keypoints={"keypoint_names": ["a", "b"]})
    masks = contract_of(index, "resnet18", instance_segmentation={"num_classes": 2})

    assert published.keypoint_names == COCO_KEYPOINTS and len(COCO_KEYPOINTS) == 17
    assert own.keypoint_names == ("a", "b")
    assert own.class_names == ("__background__", "person")
    assert own.tensors[3].shape == (-1, 2, 3)
    assert masks.tensors[3].name == "masks"
    assert masks.detection is not None and masks.detection.mask_threshold == 0.5


def test_random_numbers_know_no_published_classes(index: CatalogIndex) -> None:
    contract = contract_of(index, "resnet18", pretrained=False)

    assert contract.class_names == ()
    assert contract.shape == (1000,)


def test_dinov3_says_what_its_tokens_are(index: CatalogIndex) -> None:
    contract = contract_of(index, "dinov3_vits16")

    assert [tensor.name for tensor in contract.tensors] == ["pooler_output", "last_hidden_state"]
    assert contract.shape == (384,)


def test_other_widths_are_the_contracts_too(index: CatalogIndex) -> None:
    small = {"num_hidden_layers": 1, "hidden_size": 64, "num_attention_heads": 2}

    contract = contract_of(index, "dinov3_vits16", pretrained=False, arguments=small)

    assert contract.shape == (64,)
