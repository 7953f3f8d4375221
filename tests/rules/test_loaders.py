"""No service and no client calls a loader that unpickles: not torch's, not torchvision's."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from torchvision.models import WeightsEnum

from catalog_service.blobs.store import BlobStore
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.assemble import assembled
from catalog_service.models.compose import compose
from catalog_service.models.source import Source
from catalog_service.weights.conversion import convert
from tests.fakes.published_weights import PublishedFolder
from tests.rules.test_house_rules import named, source_files

LOADERS = {
    "load_state_dict_from_url",
    "load_url",
    "get_state_dict",
    "download_url_to_file",
    "pickle.load",
    "pickle.loads",
    "dill.load",
    "joblib.load",
    "shelve.open",
}
"""What is called, or the end of it. Source: torch/hub.py and torchvision/models/_api.py."""


def careless_calls(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "torch.hub":
            yield "torch.hub"
        if isinstance(node, ast.Import | ast.ImportFrom) and "torch.hub" in ast.unparse(node):
            yield ast.unparse(node)
        if isinstance(node, ast.Call):
            yield from _careless(node)


def _careless(call: ast.Call) -> Iterator[str]:
    name = ast.unparse(call.func)
    arguments = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    last_two = ".".join(name.split(".")[-2:])
    if LOADERS & {name, last_two, name.rpartition(".")[2]}:
        yield name
    if name == "torch.load" and arguments.get("weights_only") != "True":
        yield f"{name} without weights_only=True"
    if name.endswith("models.get_model") and arguments.get("weights") != "None":
        yield f"{name} with weights"


def test_no_loader_that_unpickles_is_called() -> None:
    found = [
        f"{named(path)}: {call}"
        for path in source_files()
        for call in careless_calls(path.read_text())
    ]

    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "import torch\ntorch.hub.load_state_dict_from_url(url)",
        "from torch.hub import load_state_dict_from_url",
        "weights.get_state_dict(progress=True)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "pickle.loads(data)",
        "torchvision.models.get_model('resnet50', weights='DEFAULT')",
    ],
)
def test_the_rule_sees_what_it_is_for(text: str) -> None:
    assert list(careless_calls(text))


@pytest.fixture
def guarded_loaders(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise AssertionError("a loader that unpickles was called")

    monkeypatch.setattr(torch, "load", refuse)
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", refuse)
    monkeypatch.setattr(torchvision.models._api, "load_state_dict_from_url", refuse)
    monkeypatch.setattr(WeightsEnum, "get_state_dict", refuse)


@pytest.mark.usefixtures("guarded_loaders")
def test_a_published_file_becomes_a_model_without_them(tmp_path: Path) -> None:
    published = PublishedFolder(tmp_path / "mirror").write("shufflenet_v2_x0_5")
    index = CatalogIndex.load()
    recipe = index.recipe_for("shufflenet_v2_x0_5")
    store = BlobStore(tmp_path / "blobs")

    converted = convert([published.path], "shufflenet_v2", store)
    composed = compose(recipe, Source(path=store.path(converted.blob.digest), recipe=recipe))
    model = assembled(recipe, {**composed.backbone.state, **composed.head.state})

    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, published.canonical[name])


@pytest.mark.usefixtures("guarded_loaders")
def test_torchvisions_own_way_does_call_them() -> None:
    """Control: the guard would have seen it."""
    with pytest.raises(AssertionError, match="was called"):
        torchvision.models.shufflenet_v2_x0_5(weights="DEFAULT")
