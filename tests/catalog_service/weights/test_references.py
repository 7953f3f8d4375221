"""Every spelling of a weight is understood, without asking anybody."""

import subprocess
import sys

import pytest

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.index.hub_ids import NoSuchHubId
from catalog_service.weights.references import check_reference, is_repository

RESNET50 = "torchvision/ResNet50_Weights.IMAGENET1K_V2"
DINOV3 = "huggingface/facebook/dinov3-vits16-pretrain-lvd1689m"

SPELLINGS = [
    ("torchvision/ResNet50_Weights.IMAGENET1K_V2", RESNET50),
    ("weights/torchvision/ResNet50_Weights.IMAGENET1K_V2", RESNET50),
    ("ResNet50_Weights.IMAGENET1K_V2", RESNET50),
    ("ResNet50_Weights.DEFAULT", RESNET50),
    ("torchvision/ResNet50_Weights.DEFAULT", RESNET50),
    ("resnet50", RESNET50),
    ("facebook/dinov3-vits16-pretrain-lvd1689m", DINOV3),
    ("huggingface/facebook/dinov3-vits16-pretrain-lvd1689m", DINOV3),
    ("weights/huggingface/facebook/dinov3-vits16-pretrain-lvd1689m", DINOV3),
]


@pytest.mark.parametrize(("spelling", "reference"), SPELLINGS)
def test_a_spelling_is_well_formed_and_leads_to_one_weight(spelling: str, reference: str) -> None:
    assert check_reference(spelling, field="name") == []
    assert CatalogIndex.load().weight(spelling).reference == reference


@pytest.mark.parametrize(
    "reference",
    [
        "huggingface/timm/resnet50.a1_in1k",
        "huggingface/timm/resnet50.a1_in1k@main",
        "huggingface/timm/resnet50.a1_in1k@refs/pr/1",
        "huggingface/timm/resnet50.a1_in1k@91c54ad1727ee830252e457677f467be0bfd8a57",
    ],
)
def test_other_repositories_have_a_form_with_and_without_a_revision(reference: str) -> None:
    assert check_reference(reference, field="name") == []
    assert is_repository(reference)


@pytest.mark.parametrize(
    "reference",
    [
        "",
        "huggingface/../x",
        "huggingface/a/b@../../etc",
        "huggingface/a/b@-x",
        "huggingface/a/b/c",
        "a b",
        "checkpoints/../x",
        "https://huggingface.co/a/b",
        "huggingface/a/b?x",
        "huggingface/a/b@x@y",
        "huggingface/a--b/c",
        "huggingface/a/b--c",
        "a/b..c",
        "a..b/c",
    ],
)
def test_what_is_no_reference_is_refused_by_its_form(reference: str) -> None:
    assert check_reference(reference, field="name")


@pytest.mark.parametrize("name", ["facebook/dinov3-vitb14", "facebook/dinov3-convnext-base"])
def test_ids_that_never_existed_are_answered_with_the_right_one(name: str) -> None:
    for spelling in (name, f"huggingface/{name}"):
        with pytest.raises(NoSuchHubId, match="write 'facebook/dinov3-"):
            CatalogIndex.load().weight(spelling)


@pytest.mark.parametrize("reference", ["checkpoints/a--b..c", "huggingface/a/b@x--y"])
def test_only_ids_of_the_hub_have_no_double_hyphens(reference: str) -> None:
    assert not check_reference(reference, field="name")


def test_a_long_revision_that_is_none_is_refused_at_once() -> None:
    """With optional separators every further `a` doubled the time, and all threads waited."""
    reference = f"huggingface/a/b@{'a' * 200}!"
    found = subprocess.run(
        [sys.executable, "-c", _CHECK, reference], timeout=60, check=True, capture_output=True
    )
    assert b"is no weights" in found.stdout


_CHECK = """
import sys
from catalog_service.weights.references import check_reference
print(check_reference(sys.argv[1], field="name"))
"""
