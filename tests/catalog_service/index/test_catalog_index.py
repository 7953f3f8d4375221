"""Look-ups over the committed index: counts, spellings, nearest names, recipes, contracts."""

import sys
from collections import Counter
from subprocess import run

import pytest

from catalog_service.errors import NotFound
from catalog_service.index.catalog_index import (
    ArchitectureNotFound,
    CatalogIndex,
    WeightsNotFound,
    output_contract,
)
from catalog_service.models.recipe import classification_head
from catalog_service.models.tasks import ClassificationTask

V2 = "torchvision/ResNet50_Weights.IMAGENET1K_V2"


@pytest.fixture(scope="module")
def index() -> CatalogIndex:
    return CatalogIndex.load()


def test_the_index_has_all_of_torchvision(index: CatalogIndex) -> None:
    tasks = Counter(entry.task for entry in index.architectures if not entry.is_quantized)

    assert (len(index.architectures), len(index.weights)) == (121, 166)
    assert tasks == {
        "classification": 80,
        "detection": 9,
        "instance_segmentation": 2,
        "keypoints": 1,
        "segmentation": 6,
        "video": 9,
        "optical_flow": 2,
    }
    assert sum(entry.is_quantized for entry in index.architectures) == 12
    assert sum(not weight.sha256_prefix for weight in index.weights) == 4


def test_what_can_be_built_is_float_classification(index: CatalogIndex) -> None:
    for entry in index.architectures:
        is_float_classification = entry.task == "classification" and not entry.is_quantized
        assert entry.is_buildable == is_float_classification, entry.architecture_id


@pytest.mark.parametrize(
    "spelling",
    [
        V2,
        f"weights/{V2}",
        "ResNet50_Weights.IMAGENET1K_V2",
        "ResNet50_Weights.DEFAULT",
        "torchvision/ResNet50_Weights.DEFAULT",
        "weights/torchvision/ResNet50_Weights.DEFAULT",
        "resnet50",
    ],
)
def test_every_spelling_resolves(index: CatalogIndex, spelling: str) -> None:
    assert index.weight(spelling).reference == V2


def test_every_reference_resolves_to_itself(index: CatalogIndex) -> None:
    for weight in index.weights:
        assert index.weight(weight.reference) is weight
        assert index.weight(f"weights/{weight.reference}") is weight


def test_every_architecture_has_one_default(index: CatalogIndex) -> None:
    for entry in index.architectures:
        defaults = [w for w in index.weights_of(entry.architecture_id) if w.is_default]

        assert [w.reference for w in defaults] == [entry.default_weights] == [entry.weights[0]]
        assert index.default_weight(entry.architecture_id) is defaults[0]
        assert index.weight(entry.architecture_id) is defaults[0]


def test_an_architecture_by_both_names(index: CatalogIndex) -> None:
    assert index.architecture("architectures/vit_b_16") is index.architecture("vit_b_16")


def test_an_unknown_architecture_shows_the_nearest(index: CatalogIndex) -> None:
    with pytest.raises(ArchitectureNotFound) as caught:
        index.architecture("resnet51")

    assert caught.value.message == (
        "no architecture 'resnet51'; closest are resnet50, resnet18, resnet152; "
        "ListArchitectures returns all 121"
    )
    assert caught.value.error_reason == "ARCHITECTURE_NOT_FOUND"
    assert isinstance(caught.value, NotFound)


@pytest.mark.parametrize("reference", ["ResNet50_Weights.IMAGENET1K_V3", f"{V2}x"])
def test_unknown_weights_show_the_nearest(index: CatalogIndex, reference: str) -> None:
    with pytest.raises(WeightsNotFound) as caught:
        index.weight(reference)

    assert caught.value.message.startswith(f"no weights {reference!r}; closest are ")
    assert "ResNet50_Weights.IMAGENET1K_V2" in caught.value.message
    assert caught.value.error_reason == "WEIGHTS_NOT_FOUND"


def test_a_name_like_no_other_shows_where_to_look(index: CatalogIndex) -> None:
    with pytest.raises(ArchitectureNotFound) as caught:
        index.architecture("%%%%")

    assert caught.value.message == "no architecture '%%%%'; ListArchitectures returns all 121"


@pytest.mark.parametrize("name", ["resnet", "", "Resnet50_weights.DEFAULT"])
def test_names_are_exact(index: CatalogIndex, name: str) -> None:
    with pytest.raises(WeightsNotFound):
        index.weight(name)


def test_a_recipe_is_that_of_its_weight(index: CatalogIndex) -> None:
    linear = index.weight("ViT_H_14_Weights.IMAGENET1K_SWAG_LINEAR_V1")

    assert index.recipe_for("vit_h_14").arguments == {"image_size": 518}
    assert index.recipe_for("vit_h_14", linear).arguments == {"image_size": 224}
    assert index.recipe_for("googlenet").arguments["transform_input"] is True
    assert index.recipe_for("resnet50", head=classification_head(3)).head == {
        "kind": "classification",
        "num_outputs": 3,
    }


def test_outputs_are_the_tasks_or_the_published_classes(index: CatalogIndex) -> None:
    weight = index.weight("resnet50")

    published = output_contract(weight)
    named = output_contract(weight, ClassificationTask(class_names=("cat", "dog")))
    counted = output_contract(weight, ClassificationTask(num_classes=5))

    assert published.shape == (1000,)
    assert published.class_names[:2] == ("tench", "goldfish")
    assert (named.shape, named.class_names) == ((2,), ("cat", "dog"))
    assert (counted.shape, counted.class_names) == ((5,), ())


def test_licences_are_never_empty(index: CatalogIndex) -> None:
    licences = Counter(weight.licence for weight in index.weights)

    assert licences["unknown"] == 154
    assert all(licences)
    swag = {w.reference for w in index.weights if w.licence != "unknown"}
    assert all("SWAG" in reference for reference in swag)
    assert len(swag) == 12


def test_a_quantized_architecture_names_its_float_twin(index: CatalogIndex) -> None:
    for entry in index.architectures:
        assert bool(entry.float_twin) == entry.is_quantized
        if entry.is_quantized:
            assert index.architecture(entry.float_twin).is_buildable


def test_the_index_knows_what_it_was_built_with(index: CatalogIndex) -> None:
    assert index.library.startswith("torchvision 0.")
    assert {entry.library for entry in index.architectures} == {index.library}


def test_loading_imports_no_torch() -> None:
    program = (
        "import sys\n"
        "from catalog_service.index.catalog_index import CatalogIndex\n"
        "import catalog_service.index.sizes\n"
        "CatalogIndex.load()\n"
        "sys.exit('torch' in sys.modules)"
    )

    assert run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("look_up", ["architecture", "weight", "default_weight"])
def test_a_name_of_megabytes_is_not_compared_with_every_known_one(
    index: CatalogIndex, look_up: str
) -> None:
    """The comparison takes seconds, in the thread that answers everybody."""
    name = "resnet50" * 400_000

    with pytest.raises(NotFound) as caught:
        getattr(index, look_up)(name)

    assert "closest" not in caught.value.message
    assert len(caught.value.message) < 200
