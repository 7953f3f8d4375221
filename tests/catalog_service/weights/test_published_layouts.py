"""Published names become the architecture's own, for every member of the families with old ones."""

import pytest

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.describe import describe
from catalog_service.weights.published_layouts import RENAMES, NamesCollide, canonical_names
from tests.fakes.published_weights import published_state

NEW_NAMES = (
    "torchvision/FasterRCNN_ResNet50_FPN_V2_Weights.COCO_V1",
    "torchvision/MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1",
    "torchvision/RetinaNet_ResNet50_FPN_V2_Weights.COCO_V1",
)
"""Published after the names had changed."""

WEIGHTS = [
    weight
    for weight in CatalogIndex.load().weights
    if weight.family in RENAMES and not weight.is_quantized and weight.reference not in NEW_NAMES
]


@pytest.mark.parametrize("weight", WEIGHTS, ids=lambda weight: weight.reference)
def test_every_published_name_becomes_canonical(weight) -> None:  # type: ignore[no-untyped-def]
    layout = describe(CatalogIndex.load().recipe_for(weight.architecture_id, weight))
    expected = {tensor.name for tensor in layout.tensors}
    published = set(published_state(weight, dict.fromkeys(expected)))  # type: ignore[arg-type]

    found = canonical_names(weight.family, published)

    counters = {name for name in expected if name.endswith("num_batches_tracked")}
    assert not published <= expected, "the fixture has no old name: a naive load would do"
    assert set(found.names.values()) == expected - (counters - set(found.names.values()))
    assert found.rules


def test_canonical_names_stay_as_they_are() -> None:
    names = ["features.denseblock1.denselayer1.norm1.weight", "classifier.bias"]

    found = canonical_names("densenet", names)

    assert found.names == {name: name for name in names}
    assert found.rules == ()


def test_other_families_are_left_alone() -> None:
    name = "features.denseblock1.denselayer1.norm.1.weight"

    assert canonical_names("resnet", [name]).names == {name: name}


def test_both_spellings_of_one_tensor_are_refused() -> None:
    prefix = "features.denseblock1.denselayer1"

    with pytest.raises(NamesCollide, match="two tensors"):
        canonical_names("densenet", [f"{prefix}.norm.1.weight", f"{prefix}.norm1.weight"])


@pytest.mark.parametrize("reference", NEW_NAMES)
def test_names_of_today_are_left_alone(reference: str) -> None:
    index = CatalogIndex.load()
    weight = index.weight(reference)
    layout = describe(index.recipe_for(weight.architecture_id, weight))
    names = {tensor.name for tensor in layout.tensors}

    found = canonical_names(weight.family, names)

    assert found.names == {name: name for name in names}
    assert found.rules == ()
