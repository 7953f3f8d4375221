"""Repositories of the hub that no index lists are ensured and built from by their reference."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from safetensors.torch import save

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.initialise import random_state
from tests.fakes.fake_hub import COMMIT
from tests.fakes.publishers import Publishers, publishers
from tests.services import running_catalog
from vertebra.catalog_client import CatalogClient
from vertebra.client_errors import RpcFailed

NAME = "timm/resnet18.a1_in1k"
REFERENCE = f"huggingface/{NAME}"
CONFIG = {"architecture": "resnet18", "num_classes": 1000}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Publishers]:
    """A hub with one repository that timm would have published."""
    index = CatalogIndex.load()
    recipe = index.recipe_for("resnet18", index.default_weight("resnet18"))
    state = {name: tensor.contiguous() for name, tensor in random_state(recipe, 7).items()}
    with publishers(tmp_path_factory.mktemp("published")) as world:
        files = {"config.json": json.dumps(CONFIG).encode(), "model.safetensors": save(state)}
        world.hub.repository(NAME, files)
        world.hub.repository("owner/words", {"config.json": b'{"model_type": "gpt2"}'})
        yield world


@pytest.fixture(scope="module")
def client(world: Publishers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CatalogClient]:
    """A client of a catalog that may ask the hub."""
    home: Path = tmp_path_factory.mktemp("home")
    with (
        running_catalog(home, **world.variables) as service,
        CatalogClient(service.address) as client,
    ):
        yield client


def test_a_repository_is_ensured_and_built_from_and_its_commit_is_the_parent(
    world: Publishers, client: CatalogClient
) -> None:
    ensured = client.ensure_weights(REFERENCE)
    model = client.build_model({"backbone": "resnet18", "weights": REFERENCE})
    by_commit = client.build_model({"backbone": "resnet18", "weights": f"{REFERENCE}@{COMMIT}"})

    assert ensured.reference == f"{REFERENCE}@{COMMIT}"
    assert ensured.architecture_id == "resnet18"
    assert model.lineage.parent == ensured.reference
    assert by_commit.state_digest == model.state_digest
    path = world.hub.path(NAME, "model.safetensors", COMMIT)
    assert world.hub_origin.bodies(path) == 1


def test_its_steps_are_explained(client: CatalogClient) -> None:
    explained = client.explain_weights(REFERENCE)

    assert explained.steps[-1].place.endswith(f"/resolve/{COMMIT}/model.safetensors")


def test_a_repository_of_another_kind_says_what_is_taken(client: CatalogClient) -> None:
    with pytest.raises(RpcFailed, match="gpt2") as caught:
        client.ensure_weights("huggingface/owner/words")

    assert caught.value.reason == "WEIGHTS_UNSUPPORTED"


@pytest.mark.parametrize("name", ["facebook/dinov3-vitb14", "facebook/dinov3-convnext-base"])
def test_ids_that_never_existed_are_answered_without_asking_anybody(
    world: Publishers, client: CatalogClient, name: str
) -> None:
    before = len(world.hub_origin.requests)

    for call in (client.ensure_weights, client.explain_weights):
        with pytest.raises(RpcFailed, match="write 'facebook/dinov3-") as caught:
            call(name)
        assert caught.value.reason == "HUB_ID_UNKNOWN"

    assert len(world.hub_origin.requests) == before


def test_its_blob_is_pinned_and_checked_by_the_name_without_a_commit(client: CatalogClient) -> None:
    """What is stored is bound to the commit; people write the repository."""
    blob = client.ensure_weights(REFERENCE).blob

    for name in (REFERENCE, f"{REFERENCE}@{COMMIT}"):
        (pinned,) = client.storage.pin([name], owner="tests")
        assert pinned.blob == blob
        assert client.storage.verify([name]).summary.num_verified == 1
