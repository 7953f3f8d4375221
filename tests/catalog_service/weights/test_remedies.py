"""What a person can do is said in one order: mirror, origin, recipe, whom to ask."""

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.weights.remedies import Remedies
from catalog_service.weights.sources.published_file import published_file

INDEX = CatalogIndex.load()
SITE = Remedies(torch_hub_folder="/data/torch/hub/checkpoints", mirror_folders=("/mnt/mirror",))


def test_every_weight_has_all_four_in_their_order() -> None:
    for weight in INDEX.weights:
        kinds = [remedy.kind for remedy in SITE.of(weight, published_file(weight))]

        assert kinds == ["mirror", "origin", "recipe", "contact"], weight.reference


def test_the_mirror_and_the_cache_are_named() -> None:
    weight = INDEX.weight("resnet18")

    first = SITE.of(weight, published_file(weight))[0]

    assert first.text == (
        f"Put {weight.file_name} into the mirror folder /mnt/mirror or into the torch-hub cache "
        "/data/torch/hub/checkpoints"
    )


def test_without_a_mirror_the_setting_is_named() -> None:
    weight = INDEX.weight("resnet18")

    first = Remedies(torch_hub_folder="/t").of(weight, published_file(weight))[0]

    assert "VERTEBRA_CATALOG_MIRRORS" in first.text


def test_offline_a_bundle_is_a_way() -> None:
    weight = INDEX.weight("resnet18")
    site = Remedies(torch_hub_folder="/t", is_offline=True)

    assert "vertebra mirror import" in site.of(weight, published_file(weight))[0].text


def test_access_to_a_gated_weight_is_granted_on_its_page() -> None:
    weight = INDEX.weight("facebook/dinov3-vits16-pretrain-lvd1689m")

    last = SITE.of(weight, published_file(weight))[-1]

    assert last.url == "https://huggingface.co/facebook/dinov3-vits16-pretrain-lvd1689m"
    assert "granted" in last.text
