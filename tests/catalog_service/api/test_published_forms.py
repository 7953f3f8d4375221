"""Whatever form a weight is published in, EnsureWeights ends with a blob or with the reason."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save
from transformers.models.dinov3_vit import DINOv3ViTConfig, DINOv3ViTModel

from tests.fakes.pickled_calls import Calls
from tests.fakes.publishers import Publishers, publishers
from tests.services import running_catalog
from vertebra.catalog_client import CatalogClient
from vertebra.client_errors import RpcFailed

SMALL = {
    "num_hidden_layers": 2,
    "hidden_size": 64,
    "num_attention_heads": 4,
    "intermediate_size": 96,
    "num_register_tokens": 2,
}
IN_PARTS = "owner/dinov3-in-parts"
LYING = "owner/dinov3-lying-index"
QUANTIZED = "quantized_shufflenet_v2_x0_5"


def parts(state: dict[str, torch.Tensor]) -> dict[str, bytes]:
    """A repository with the state in two parts."""
    names = list(state)
    files = {f"model-0000{n + 1}-of-00002.safetensors": names[n::2] for n in (0, 1)}
    weight_map = {name: file for file, kept in files.items() for name in kept}
    found = {file: save({name: state[name] for name in kept}) for file, kept in files.items()}
    index = json.dumps({"metadata": {}, "weight_map": weight_map}).encode()
    return {**found, "model.safetensors.index.json": index}


@pytest.fixture(scope="module")
def model() -> DINOv3ViTModel:
    torch.manual_seed(3)
    return DINOv3ViTModel(DINOv3ViTConfig(**SMALL)).eval()


@pytest.fixture(scope="module")
def world(model: DINOv3ViTModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Publishers]:
    state = {name.removeprefix("model."): t for name, t in model.state_dict().items()}
    config = {"config.json": model.config.to_json_string(use_diff=False).encode()}
    whole = parts(state)
    moved = json.loads(whole["model.safetensors.index.json"])
    moved["weight_map"]["norm.weight"] = "model-00003-of-00002.safetensors"
    lie = {"model.safetensors.index.json": json.dumps(moved).encode()}
    with publishers(tmp_path_factory.mktemp("published")) as world:
        world.hub.repository(IN_PARTS, {**config, **whole})
        world.hub.repository(LYING, {**config, **whole, **lie})
        yield world


@pytest.fixture(scope="module")
def marker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("marker") / "marker"


@pytest.fixture(scope="module")
def client(
    world: Publishers, marker: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CatalogClient]:
    call = Calls(os.system, f"touch {marker}")
    world.folder.write_state(QUANTIZED, {"packed": call})
    world.folder.write_state("shufflenet_v2_x0_5", {"packed": call})
    home: Path = tmp_path_factory.mktemp("home")
    variables = {**world.variables, "VERTEBRA_CATALOG_MIRRORS": str(world.folder.folder)}
    with running_catalog(home, **variables) as service, CatalogClient(service.address) as client:
        yield client


def test_a_repository_in_parts_becomes_one_blob_and_a_model_of_its_size(
    client: CatalogClient, model: DINOv3ViTModel, tmp_path: Path
) -> None:
    reference = f"huggingface/{IN_PARTS}"

    ensured = client.ensure_weights(reference)
    client.blobs.download(ensured.blob.name, tmp_path / "state")

    found = load_file(tmp_path / "state")
    expected = model.state_dict()
    built = client.build({"backbone": "dinov3_vits16", "weights": reference}).torch().eval()
    image = torch.randn(1, 3, 48, 64)

    with torch.no_grad():
        assert torch.equal(built(image).last_hidden_state, model(image).last_hidden_state)
    assert ensured.licence == "dinov3-license"
    assert sorted(found) == sorted(expected)
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_an_index_that_names_a_part_that_is_not_there_says_which(client: CatalogClient) -> None:
    with pytest.raises(RpcFailed) as caught:
        client.ensure_weights(f"huggingface/{LYING}")

    assert "model-00003-of-00002.safetensors" in str(caught.value)


def test_a_quantized_file_is_kept_as_published_and_nothing_in_it_runs(
    client: CatalogClient, world: Publishers, marker: Path, tmp_path: Path
) -> None:
    [path] = world.folder.folder.glob("shufflenetv2_x0.5_fbgemm*.pth")

    ensured = client.ensure_weights(QUANTIZED)
    client.blobs.download(ensured.blob.name, tmp_path / "file")

    assert (tmp_path / "file").read_bytes() == path.read_bytes()
    assert ensured.source_digest == ensured.blob.digest
    assert not marker.exists()


def test_a_published_file_that_asks_to_run_something_is_refused_with_its_trail(
    client: CatalogClient, marker: Path
) -> None:
    with pytest.raises(RpcFailed, match=r"asks to run 'posix\.system'") as caught:
        client.ensure_weights("shufflenet_v2_x0_5")

    assert caught.value.reason == "FILE_UNREADABLE"
    assert not marker.exists()
