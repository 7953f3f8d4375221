"""Look-ups over the committed index: counts, spellings, nearest names, recipes, contracts."""

import sys
from collections import Counter
from subprocess import run

import pytest

from catalog_service.errors import InvalidRequest, NotFound
from catalog_service.index.catalog_index import (
    ArchitectureNotFound,
    CatalogIndex,
    WeightsNotFound,
    output_contract,
)
from catalog_service.models.recipe import classification_head
from catalog_service.models.tasks import ClassificationTask

FEATURES = "features"

SATELLITE = ((0.430, 0.411, 0.296), (0.213, 0.156, 0.143))
"""Mean and std of the satellite images, from the publisher's README."""

V2 = "torchvision/ResNet50_Weights.IMAGENET1K_V2"


@pytest.fixture(scope="module")
def index() -> CatalogIndex:
    return CatalogIndex.load()


def test_the_index_has_all_of_torchvision_and_dinov3(index: CatalogIndex) -> None:
    tasks = Counter(entry.task for entry in index.architectures if not entry.is_quantized)

    assert (len(index.architectures), len(index.weights)) == (131, 178)
    assert tasks == {
        "classification": 80,
        "detection": 9,
        "instance_segmentation": 2,
        "keypoints": 1,
        "segmentation": 6,
        "video": 9,
        "optical_flow": 2,
        "features": 10,
    }
    assert sum(entry.is_quantized for entry in index.architectures) == 12
    torchvision = [weight for weight in index.weights if weight.task != "features"]
    assert sum(not weight.sha256_prefix for weight in torchvision) == 4


def test_everything_but_the_quantized_can_be_built(index: CatalogIndex) -> None:
    for entry in index.architectures:
        assert entry.is_buildable == (not entry.is_quantized), entry.architecture_id
        assert bool(entry.float_twin) == entry.is_quantized


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
        "ListArchitectures returns all 131"
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


def test_the_bare_name_of_a_checkpoint_is_told_how_it_is_written(index: CatalogIndex) -> None:
    with pytest.raises(WeightsNotFound, match="a registered backbone is 'checkpoints/NAME'"):
        index.weight("digits")


@pytest.mark.parametrize("repository", ["microsoft/resnet-50", "timm/resnet50.a1_in1k"])
def test_a_repository_without_its_hub_is_told_how_it_is_written(
    index: CatalogIndex, repository: str
) -> None:
    """And not that torchvision's weights are closest to it."""
    with pytest.raises(WeightsNotFound) as caught:
        index.weight(repository)

    assert caught.value.message == (
        f"no weights {repository!r}; other repositories of the hub are written "
        f"'huggingface/{repository}'; ListWeights returns all 178"
    )


def test_a_repository_that_is_written_right_is_not_told_how_to_write_it(
    index: CatalogIndex,
) -> None:
    with pytest.raises(WeightsNotFound) as caught:
        index.weight("huggingface/microsoft/resnet-50")

    assert "are written" not in caught.value.message


def test_a_typing_error_in_a_repository_shows_the_nearest_ones(index: CatalogIndex) -> None:
    with pytest.raises(WeightsNotFound, match="closest are facebook/dinov3-vitb16-pretrain"):
        index.weight("facebook/dinov3-vitb16-pretrain-lvd1689")


def test_an_architecture_in_capitals_is_shown_as_it_is_written(index: CatalogIndex) -> None:
    with pytest.raises(WeightsNotFound, match="'RESNET50'; write 'resnet50'; "):
        index.weight("RESNET50")


def test_a_name_like_no_other_shows_where_to_look(index: CatalogIndex) -> None:
    with pytest.raises(ArchitectureNotFound) as caught:
        index.architecture("%%%%")

    assert caught.value.message == "no architecture '%%%%'; ListArchitectures returns all 131"


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
    told = {w.reference: w.licence for w in index.weights if w.licence != "unknown"}
    assert all("SWAG" in name or licence == "dinov3-license" for name, licence in told.items())
    assert len(told) == 12 + 12


def test_a_quantized_architecture_names_its_float_twin(index: CatalogIndex) -> None:
    for entry in index.architectures:
        assert bool(entry.float_twin) == entry.is_quantized
        if entry.is_quantized:
            assert index.architecture(entry.float_twin).is_buildable


def test_the_index_knows_what_it_was_built_with(index: CatalogIndex) -> None:
    assert index.library.startswith("torchvision 0.")
    assert {entry.library for entry in index.architectures} == set(index.library.split(", "))


def test_loading_imports_no_torch() -> None:
    program = (
        "import sys\n"
        "from catalog_service.index.catalog_index import CatalogIndex\n"
        "import catalog_service.index.input_contract\n"
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


@pytest.mark.parametrize(
    "name",
    [
        "facebook/dinov3-vitl16-pretrain-sat493m",
        "huggingface/facebook/dinov3-vitl16-pretrain-sat493m",
        "weights/huggingface/facebook/dinov3-vitl16-pretrain-sat493m",
    ],
)
def test_an_id_of_the_hub_finds_its_weight_and_its_architecture(
    index: CatalogIndex, name: str
) -> None:
    weight = index.weight(name)

    assert weight.reference == "huggingface/facebook/dinov3-vitl16-pretrain-sat493m"
    assert (weight.preprocessing.mean, weight.preprocessing.std) == SATELLITE
    assert not weight.is_default
    assert index.architecture(name.removeprefix("weights/")).architecture_id == "dinov3_vitl16"


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("facebook/dinov3-vitb14", "facebook/dinov3-vitb16-pretrain-lvd1689m"),
        ("facebook/dinov3-convnext-base", "facebook/dinov3-convnext-base-pretrain-lvd1689m"),
    ],
)
def test_an_id_that_never_existed_is_answered_with_the_right_one(
    index: CatalogIndex, wrong: str, right: str
) -> None:
    for look in (index.weight, index.architecture):
        for spelling in (wrong, f"huggingface/{wrong}"):
            with pytest.raises(InvalidRequest) as caught:
                look(spelling)

            assert caught.value.error_reason == "HUB_ID_UNKNOWN"
            assert repr(right) in caught.value.message
            assert index.weight(right).is_default


def test_dinov3_needs_a_licence_and_nothing_else_does(index: CatalogIndex) -> None:
    gated = {weight.architecture_id for weight in index.weights if weight.is_gated}
    licences = {weight.licence for weight in index.weights if weight.is_gated}

    assert len(gated) == 10
    assert gated == {
        entry.architecture_id for entry in index.architectures if entry.task == FEATURES
    }
    assert licences == {"dinov3-license"}


def test_file_names_tell_weights_apart(index: CatalogIndex) -> None:
    """A mirror folder finds a weight by its file name alone."""
    assert len({weight.file_name for weight in index.weights}) == len(index.weights)


def test_maps_go_from_fine_to_coarse(index: CatalogIndex) -> None:
    with_maps = [entry for entry in index.architectures if entry.feature_maps]

    assert len(with_maps) == 90
    for entry in with_maps:
        strides = [each.stride_px for each in entry.feature_maps]
        assert strides == sorted(set(strides)), entry.architecture_id


def test_every_backbone_is_an_architecture_of_the_index(index: CatalogIndex) -> None:
    others = Counter(
        entry.backbone_architecture
        for entry in index.architectures
        if entry.is_buildable and index.architecture(entry.backbone_architecture) is not entry
    )

    assert others == {"resnet50": 10, "resnet101": 2, "mobilenet_v3_large": 4}
