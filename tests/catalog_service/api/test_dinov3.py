"""DINOv3 from the hub's file to a built model, on a running catalog."""

from collections.abc import Iterator

import grpc
import pytest

from catalog_service.models.families.table import family_of
from tests.fakes.published_weights import PublishedFolder
from tests.services import running_catalog
from vertebra.catalog.v1 import weights_service_pb2 as weights
from vertebra.catalog_client import CatalogClient
from vertebra.client_errors import RpcFailed

HUB_ID = "facebook/dinov3-vits16-pretrain-lvd1689m"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CatalogClient]:
    """A catalog whose mirror has two small DINOv3 files in the layout of the hub."""
    folder = PublishedFolder(tmp_path_factory.mktemp("mirror"))
    for name in ("dinov3_vits16", "dinov3_convnext_tiny"):
        folder.write(name, arguments=family_of(name).tiny_arguments)
    with (
        running_catalog(
            tmp_path_factory.mktemp("catalog"),
            VERTEBRA_CATALOG_MIRRORS=str(folder.folder),
            VERTEBRA_CATALOG_INDEX=str(folder.index_path),
        ) as service,
        CatalogClient(service.address) as client,
    ):
        yield client


@pytest.mark.parametrize(
    ("backbone", "rule"),
    [
        ("dinov3_vits16", "dinov3_vit: layer -> model.layer"),
        (HUB_ID, "dinov3_vit: layer -> model.layer"),
        ("dinov3_convnext_tiny", "dinov3_convnext: stages -> model.stages"),
    ],
)
def test_a_published_backbone_is_built_from_the_hubs_names(
    client: CatalogClient, backbone: str, rule: str
) -> None:
    built = client.build_model({"backbone": backbone})

    assert built.load_report.backbone_coverage == 1.0
    assert not built.load_report.missing
    assert not built.load_report.unexpected
    assert any(rule in line for line in built.load_report.rules)
    assert built.lineage.licence == "dinov3-license"


def test_a_new_head_goes_on_dinov3(client: CatalogClient) -> None:
    features = client.build_model({"backbone": "dinov3_vits16"})
    pets = client.build_model({"backbone": HUB_ID, "classification": {"num_classes": 7}})

    assert pets.backbone_digest == features.backbone_digest
    assert pets.lineage.licence == "dinov3-license"


def test_a_weight_of_the_hub_says_what_it_is(client: CatalogClient) -> None:
    found = client.get_weights(HUB_ID)

    assert found.reference == f"huggingface/{HUB_ID}"
    assert (found.licence, found.is_gated) == ("dinov3-license", True)
    assert found.cached_state != weights.CACHED_STATE_ABSENT
    assert found.preprocessing.height_px == 224
    assert found.recipe_url == f"https://huggingface.co/{HUB_ID}"


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("facebook/dinov3-vitb14", "facebook/dinov3-vitb16-pretrain-lvd1689m"),
        ("facebook/dinov3-convnext-base", "facebook/dinov3-convnext-base-pretrain-lvd1689m"),
    ],
)
def test_an_id_that_never_existed_is_an_invalid_argument_with_the_right_one(
    client: CatalogClient, wrong: str, right: str
) -> None:
    calls = (
        lambda: client.get_weights(wrong),
        lambda: client.get_architecture(wrong),
        lambda: client.build_model({"backbone": wrong}),
        lambda: client.build_model({"backbone": "dinov3_vits16", "weights": wrong}),
    )
    for call in calls:
        with pytest.raises(RpcFailed) as caught:
            call()

        assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
        assert caught.value.reason == "HUB_ID_UNKNOWN"
        assert right in caught.value.message


def test_what_nobody_has_is_not_asked_of_the_hub(client: CatalogClient) -> None:
    with pytest.raises(RpcFailed) as caught:
        client.build_model({"backbone": "facebook/dinov3-vitb16-pretrain-lvd1689m"})

    assert caught.value.code is grpc.StatusCode.FAILED_PRECONDITION
    assert caught.value.reason == "WEIGHTS_UNAVAILABLE"
    assert "dinov3-vitb16-pretrain-lvd1689m.safetensors" in caught.value.message
