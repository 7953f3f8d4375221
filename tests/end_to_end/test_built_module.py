"""`client.build(spec).torch()` against a real catalog: the module that the catalog built."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.services import Service, running_catalog
from vertebra.catalog_client import CatalogClient

SPEC = {
    "backbone": "shufflenet_v2_x0_5",
    "pretrained": False,
    "seed": 3,
    "classification": {"num_classes": 3},
}


@pytest.fixture(scope="module", params=["1", "0"], ids=["same host", "over the wire"])
def catalog(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    home = tmp_path_factory.mktemp("catalog")
    with running_catalog(home, VERTEBRA_CATALOG_SHARE_PATHS=request.param) as service:
        yield service


@pytest.fixture
def client(catalog: Service) -> Iterator[CatalogClient]:
    with CatalogClient(catalog.address) as client:
        yield client


def test_the_module_and_the_file_have_the_same_numbers(client: CatalogClient, tmp_path: Path):
    torch.set_num_threads(1)
    built = client.build(SPEC)

    module = built.torch()
    state = load_file(built.save(tmp_path / "state.safetensors"))

    assert module.state_dict().keys() == state.keys()
    assert all(torch.equal(module.state_dict()[name], state[name]) for name in state)
    assert module.training and all(one.requires_grad for one in module.parameters())
    assert module(torch.rand(2, 3, 64, 64)).shape == (2, 3)


def test_training_the_module_does_not_touch_the_catalogs_file(client: CatalogClient):
    built = client.build(SPEC)
    module = built.torch()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()

    again = built.torch()

    assert any(parameter.any() for parameter in again.parameters())


def test_parts_are_read_by_role_and_dtype(client: CatalogClient, tmp_path: Path):
    built = client.build(SPEC)

    head = load_file(built.save(tmp_path / "head", role="head", dtype="BF16"))
    backbone = load_file(built.save(tmp_path / "backbone", role="backbone"))

    assert {name: tensor.dtype for name, tensor in head.items()} == {
        "fc.weight": torch.bfloat16,
        "fc.bias": torch.bfloat16,
    }
    names = {tensor.name for tensor in built.model.layout.tensors}
    assert head.keys() | backbone.keys() == names and not head.keys() & backbone.keys()
