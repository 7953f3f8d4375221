"""A copied skeleton is a skeleton of its own, alike in everything to one that was built."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.describe import layout_of
from catalog_service.models.recipe import classification_head
from catalog_service.models.skeleton import skeleton
from catalog_service.models.template import copied, is_plain, template


def unchanged(name: str, tensor: Tensor) -> Tensor:
    return tensor


@pytest.mark.parametrize("name", ["resnet18", "swin_t", "vit_b_16", "fasterrcnn_resnet50_fpn"])
def test_a_copy_is_what_the_library_builds(index: CatalogIndex, name: str) -> None:
    recipe = index.recipe_for(name)
    built = skeleton(recipe)

    model = template(recipe).copied(unchanged)

    assert repr(model) == repr(built)
    assert layout_of(model, recipe) == layout_of(built, recipe) == template(recipe).layout
    assert [p.requires_grad for p in model.parameters()] == [
        p.requires_grad for p in built.parameters()
    ]


def test_copies_share_no_module_no_parameter_and_no_container(index: CatalogIndex) -> None:
    recipe = index.recipe_for("resnet18", head=classification_head(3))
    first, second = (template(recipe).copied(lambda _, t: torch.zeros_like(t)) for _ in range(2))

    first.fc = nn.Identity()
    first.layer1.register_forward_hook(lambda *_: None)
    first.conv1.weight.requires_grad_(False)
    first.eval()

    assert isinstance(second.fc, nn.Linear)
    assert not second.layer1._forward_hooks
    assert second.conv1.weight.requires_grad
    assert all(module.training for module in second.modules())
    assert not {id(module) for module in first.modules()} & {id(m) for m in second.modules()}


def test_equal_recipes_have_one_template(index: CatalogIndex) -> None:
    first, again, other = (
        index.recipe_for("resnet18", head=classification_head(count)) for count in (3, 3, 4)
    )

    assert template(first) is template(again)
    assert template(first) is not template(other)


class Tied(nn.Module):
    """Uses a module under two names, holds another in a list, and calls its own method."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(2, 2)
        self.again = self.first
        self.outside: list[Any] = [self.first]
        self.method = self.double
        self.table = {"weight": self.first.weight}

    def double(self, images: Tensor) -> Tensor:
        result: Tensor = 2 * self.first(images)
        return result


def test_references_inside_a_module_lead_into_the_copy() -> None:
    module = Tied()

    twin = copied(module, lambda name, tensor: tensor.detach().clone())

    assert isinstance(twin, Tied)
    assert twin.again is twin.first is twin.outside[0] is not module.first
    assert twin.table["weight"] is twin.first.weight
    assert twin.method.__self__ is twin  # type: ignore[attr-defined]


class OwnWay(nn.Module):
    """Says itself how it is copied."""

    def __deepcopy__(self, memo: dict[int, Any]) -> "OwnWay":
        return OwnWay()


def test_a_module_that_is_copied_its_own_way_is_not_plain() -> None:
    assert is_plain(nn.Sequential(nn.Linear(2, 2), nn.ReLU()))
    assert not is_plain(nn.Sequential(nn.Linear(2, 2), OwnWay()))
    assert not is_plain(parametrizations.weight_norm(nn.Linear(2, 2)))


def test_what_is_not_plain_is_deep_copied_with_its_numbers(index: CatalogIndex) -> None:
    from dataclasses import replace

    recipe = index.recipe_for("resnet18", head=classification_head(3))
    plain = template(recipe)

    model = replace(plain, is_plain=False).copied(lambda _, t: torch.ones_like(t, device="cpu"))

    assert repr(model) == repr(plain.module)
    assert all(bool((tensor == 1).all()) for tensor in model.state_dict().values())
    assert all(tensor.is_meta for tensor in plain.module.state_dict().values())
    assert copy.deepcopy(plain.module) is not plain.module
