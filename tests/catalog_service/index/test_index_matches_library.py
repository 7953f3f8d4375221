"""The committed index against the live libraries, field by field: drift fails.

The comparison is written here independently of the program that builds the index.
"""

import json
from enum import Enum
from typing import Any

import pytest
import torchvision
from torchvision import models
from torchvision.models import WeightsEnum

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models import build_index
from catalog_service.models.index_rows import architecture_row, weight_rows

PINNED = "torchvision 0.29.2"
"""The release that the committed index was built with."""

FEATURES_ONLY = "torchvision/VGG16_Weights.IMAGENET1K_FEATURES"
"""Its published accuracies are NaN: its classifier is, too."""

LIVE = f"torchvision {torchvision.__version__.partition('+')[0]}"

pytestmark = pytest.mark.skipif(
    LIVE != PINNED, reason=f"the index is compared on its release, {PINNED}; this is {LIVE}"
)

Live = dict[str, tuple[str, WeightsEnum]]


@pytest.fixture(scope="module")
def index() -> CatalogIndex:
    """The rows of torchvision."""
    whole = CatalogIndex.load()
    return CatalogIndex(
        library=whole.library,
        architectures=tuple(e for e in whole.architectures if e.library == PINNED),
        weights=tuple(w for w in whole.weights if w.reference.startswith("torchvision/")),
    )


@pytest.fixture(scope="module")
def live() -> Live:
    """Reference -> architecture and enum member, from the live registries."""
    return {
        f"torchvision/{type(member).__name__}.{member.name}": (name, member)
        for name in models.list_models()
        for member in models.get_model_weights(name)
    }


def test_the_index_was_built_with_the_pinned_release(index: CatalogIndex) -> None:
    assert index.library.split(", ")[0] == PINNED


def test_names_are_exactly_the_live_ones(index: CatalogIndex, live: Live) -> None:
    assert {entry.architecture_id for entry in index.architectures} == set(models.list_models())
    assert {weight.reference: weight.architecture_id for weight in index.weights} == {
        reference: name for reference, (name, _) in live.items()
    }


def test_plain_facts_equal_the_live_ones(index: CatalogIndex, live: Live) -> None:
    for weight in index.weights:
        name, member = live[weight.reference]
        meta = member.meta

        assert weight.url == member.url
        assert weight.file_name == member.url.split("/")[-1]
        assert weight.num_parameters == meta["num_params"], weight.reference
        assert weight.gflops == meta["_ops"], weight.reference
        assert abs(weight.size_bytes / 2**20 - meta["_file_size"]) < 1e-6, weight.reference
        assert weight.recipe_url == meta.get("recipe", ""), weight.reference
        assert weight.licence == meta.get("license", "unknown"), weight.reference
        assert weight.description.split() == meta["_docs"].split(), weight.reference
        assert weight.is_default == (models.get_model_weights(name).DEFAULT is member)
        height_width = (weight.min_image_height_px, weight.min_image_width_px)
        assert height_width == tuple(meta.get("min_size", (0, 0))), weight.reference


def test_categories_equal_the_live_ones(index: CatalogIndex, live: Live) -> None:
    for weight in index.weights:
        assert list(weight.categories) == list(
            live[weight.reference][1].meta.get("categories") or []
        )


def test_each_category_list_is_stored_once(index: CatalogIndex) -> None:
    text = build_index.INDEX_PATH.read_text(encoding="utf-8")

    assert text.count('"tench"') == 1
    assert len({weight.categories for weight in index.weights}) < 10


def test_metrics_equal_the_live_ones(index: CatalogIndex, live: Live) -> None:
    for weight in index.weights:
        if weight.reference == FEATURES_ONLY:
            assert weight.metrics == ()
            continue
        found: dict[str, dict[str, float]] = {}
        for metric in weight.metrics:
            found.setdefault(metric.dataset, {})[metric.name] = metric.value

        assert found == live[weight.reference][1].meta["_metrics"], weight.reference


def test_the_digest_prefix_is_what_the_file_name_says(index: CatalogIndex) -> None:
    for weight in index.weights:
        if weight.sha256_prefix:
            assert f"-{weight.sha256_prefix}.pth" in weight.file_name
            assert int(weight.sha256_prefix, 16) > 0
        else:
            assert "qnnpack_" in weight.file_name or "fbgemm_" in weight.file_name


def test_transforms_equal_the_live_ones(index: CatalogIndex, live: Live) -> None:
    for weight in index.weights:
        transform = live[weight.reference][1].transforms()
        numbers = {key: value for key, value in weight.transform.items() if key != "kind"}

        assert weight.transform["kind"] == type(transform).__name__
        assert numbers == {key: plain(getattr(transform, key)) for key in numbers}
        own = {key for key in vars(transform) if not key.startswith("_") and key != "training"}
        assert own == numbers.keys(), weight.reference


def test_preprocessing_is_that_of_the_live_transform(index: CatalogIndex, live: Live) -> None:
    for weight in index.weights:
        transform = live[weight.reference][1].transforms()
        contract = weight.preprocessing
        if weight.task == "classification":
            assert [contract.height_px] == [contract.width_px] == transform.crop_size
            assert [contract.resize_shorter_side_px] == transform.resize_size
            assert contract.interpolation == transform.interpolation.value
        if weight.task == "segmentation":
            assert [contract.resize_shorter_side_px] == transform.resize_size
            assert contract.keeps_whole_image
        if hasattr(transform, "mean"):
            assert (list(contract.mean), list(contract.std)) == (transform.mean, transform.std)


@pytest.mark.parametrize(
    ("name", "shorter", "longer", "size"),
    [
        ("fasterrcnn_resnet50_fpn", 800, 1333, (1333, 1333)),
        ("fasterrcnn_mobilenet_v3_large_320_fpn", 320, 640, (640, 640)),
        ("retinanet_resnet50_fpn_v2", 800, 1333, (1333, 1333)),
        ("ssd300_vgg16", 0, 0, (300, 300)),
        ("ssdlite320_mobilenet_v3_large", 0, 0, (320, 320)),
    ],
)
def test_a_detector_tells_its_own_resize(
    index: CatalogIndex, name: str, shorter: int, longer: int, size: tuple[int, int]
) -> None:
    contract = index.default_weight(name).preprocessing

    assert contract.is_image_list
    assert (contract.resize_shorter_side_px, contract.max_longer_side_px) == (shorter, longer)
    assert (contract.height_px, contract.width_px) == size
    assert contract.interpolation == "bilinear_aliased"


@pytest.mark.parametrize(
    ("name", "num_frames", "resized", "size"),
    [
        ("r3d_18", 16, (0, 128, 171), (112, 112)),
        ("s3d", 128, (0, 256, 256), (224, 224)),
        ("mvit_v2_s", 16, (256, 0, 0), (224, 224)),
        ("swin3d_b", 32, (256, 0, 0), (224, 224)),
    ],
)
def test_a_video_model_tells_its_clip(
    index: CatalogIndex,
    name: str,
    num_frames: int,
    resized: tuple[int, int, int],
    size: tuple[int, int],
) -> None:
    contract = index.default_weight(name).preprocessing
    found = (contract.resize_shorter_side_px, contract.resize_height_px, contract.resize_width_px)

    assert contract.num_frames == num_frames
    assert found == resized
    assert (contract.height_px, contract.width_px) == size


def test_optical_flow_takes_images_as_they_are(index: CatalogIndex) -> None:
    contract = index.default_weight("raft_large").preprocessing

    assert contract.keeps_whole_image
    assert not contract.resize_shorter_side_px
    assert contract.mean == contract.std == (0.5, 0.5, 0.5)


def test_quantized_architectures_name_the_live_float_twin(index: CatalogIndex, live: Live) -> None:
    for weight in index.weights:
        unquantized = live[weight.reference][1].meta.get("unquantized")
        if unquantized is None:
            assert not weight.is_quantized, weight.reference
            continue
        twin = index.architecture(weight.architecture_id).float_twin

        assert index.weight(str(unquantized)).architecture_id == twin


def test_rows_of_weights_are_what_the_program_writes() -> None:
    """The cheap half of `--check`: no model is run."""
    names = [name for name in models.list_models() if not name.startswith("quantized")]
    committed = {row["reference"]: row for row in packaged()["weights"]}

    for row in (row for name in names for row in weight_rows(name)):
        kept = {key: value for key, value in row.items() if key != "categories"}
        assert {key: committed[row["reference"]][key] for key in kept} == kept


@pytest.mark.parametrize("name", ["resnet18", "fcn_resnet50", "ssdlite320_mobilenet_v3_large"])
def test_the_structure_of_an_architecture_is_what_the_program_writes(name: str) -> None:
    [committed] = [row for row in packaged()["architectures"] if row["architecture_id"] == name]
    weights = [row for row in packaged()["weights"] if row["architecture_id"] == name]

    assert architecture_row(name, weights) == committed


@pytest.mark.full
def test_the_check_command_agrees(capsys: pytest.CaptureFixture[str]) -> None:
    """Minutes: every architecture runs once forwards and once backwards on meta."""
    assert build_index.main(["--check"]) == 0
    assert f"0 differences from {PINNED}" in capsys.readouterr().out


def test_a_drift_is_shown_field_by_field() -> None:
    text = build_index.INDEX_PATH.read_text(encoding="utf-8")
    live = json.loads(text)
    committed = json.loads(text.replace('"num_parameters": 25557032', '"num_parameters": 1', 1))
    gone, _ = committed["weights"].pop(), live["architectures"].pop(0)

    assert build_index.differences(committed, live) == [
        "architectures: alexnet is only committed",
        "architectures: quantized_resnet50.num_parameters: committed 1, live 25557032",
        f"weights: {gone['reference']} is only live",
    ]


def plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def packaged() -> Any:
    return json.loads(build_index.INDEX_PATH.read_text(encoding="utf-8"))
