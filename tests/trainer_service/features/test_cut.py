"""Where models are taken apart, and which cannot be."""

from contextlib import nullcontext

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from catalog_service.models.freeze_plan import FreezePlan
from trainer_service.features.boundary import (
    AllLives,
    NothingToKeep,
    enclosing,
    live_paths,
    outermost,
)
from trainer_service.features.cut import Cut, find_cut

IMAGES = torch.rand(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))


class Block(nn.Module):
    """A residual block."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 3, 1)
        self.second = nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(functional.relu(self.first(x)))


class Net(nn.Module):
    """A stem, two blocks, a head."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 3, 1)
        self.blocks = nn.Sequential(Block(), Block())
        self.head = nn.Linear(3, 2)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.blocks(self.stem(images)).mean((2, 3)))  # type: ignore[no-any-return]


def cut_of(model: nn.Module, *modules: str) -> Cut:
    """Return the cut where these modules train."""
    paths = {name for name, _ in model.named_parameters()}
    trainable = tuple(
        name for name in paths if any(name.startswith(f"{module}.") for module in modules)
    )
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in trainable)
    plan = FreezePlan(
        mode="custom",
        norm="frozen_statistics",
        trainable=trainable,
        train_modules=modules,
        frozen_norms=(),
        rows=(),
        num_trainable_parameters=1,
        num_frozen_parameters=1,
    )
    return find_cut(model, plan, IMAGES, nullcontext)


def entered(cut: Cut) -> list[str]:
    return [slot.entries[0].path for slot in cut.slots]


def test_the_cut_is_before_the_first_module_that_trains() -> None:
    assert entered(cut_of(Net(), "head")) == ["head"]
    assert entered(cut_of(Net(), "blocks.1", "head")) == ["blocks.1"]
    assert entered(cut_of(Net(), "blocks", "head")) == ["blocks"]


def test_what_needs_both_sides_of_a_cut_moves_the_cut() -> None:
    """The residual of a block goes round its second convolution: the whole block has to run."""
    cut = cut_of(Net(), "blocks.1.second", "head")

    assert entered(cut) == ["blocks.1"]
    assert cut.live == {"blocks.1", "head"}


def test_frozen_modules_behind_the_cut_are_run() -> None:
    """Here the second block and the head are frozen, and pass gradients on."""
    model = Net()
    cut = cut_of(model, "blocks.0")
    x = model.stem(IMAGES).detach()

    cut.network((x,)).sum().backward()

    assert entered(cut) == ["blocks.0"]
    assert model.get_submodule("blocks.0.first").weight.grad is not None  # type: ignore[union-attr]


class Skip(Net):
    """Two depths go into the head."""

    def forward(self, images: Tensor) -> Tensor:
        early = self.stem(images)
        late = self.blocks(early)
        return self.head((early + late).mean((2, 3)))  # type: ignore[no-any-return]


def test_a_skip_past_what_trains_keeps_nothing() -> None:
    with pytest.raises(NothingToKeep, match="uses the frozen part's numbers"):
        cut_of(Skip(), "blocks", "head")


def test_a_skip_within_the_frozen_part_does_not_matter() -> None:
    assert entered(cut_of(Skip(), "head")) == ["head"]


class Join(Net):
    """The head takes maps of two depths and joins them itself."""

    class Head(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last = nn.Linear(3, 2)

        def forward(self, maps: dict[str, Tensor]) -> Tensor:
            return self.last((maps["early"] + maps["late"]).mean((2, 3)))  # type: ignore[no-any-return]

    def __init__(self) -> None:
        super().__init__()
        self.head = Join.Head()  # type: ignore[assignment]

    def forward(self, images: Tensor) -> Tensor:
        early = self.stem(images)
        return self.head({"early": early, "late": self.blocks(early)})  # type: ignore[no-any-return]


def test_a_head_may_take_several_maps() -> None:
    assert entered(cut_of(Join(), "head")) == ["head", "head"]
    assert entered(cut_of(Join(), "blocks.1", "head")) == ["blocks.1", "head"]


def test_what_enters_two_modules_is_kept_once() -> None:
    class Twice(Net):
        def forward(self, images: Tensor) -> Tensor:
            x = self.stem(images)
            return self.head((self.blocks[0](x) * self.blocks[1](x)).mean((2, 3)))  # type: ignore[no-any-return]

    [slot] = cut_of(Twice(), "blocks.0", "blocks.1", "head").slots

    assert [entry.path for entry in slot.entries] == ["blocks.0", "blocks.1"]


class Restless(Net):
    """Drops at random also where everything is frozen."""

    def forward(self, images: Tensor) -> Tensor:
        x = functional.dropout(self.stem(images), 0.5, training=True)
        return self.head(self.blocks(x).mean((2, 3)))  # type: ignore[no-any-return]


def test_a_frozen_part_that_draws_keeps_nothing() -> None:
    with pytest.raises(NothingToKeep, match="the frozen part draws random numbers"):
        cut_of(Restless(), "head")


class Mixing(Net):
    """An image's features depend on what comes with it."""

    def forward(self, images: Tensor) -> Tensor:
        x = self.stem(images)
        return self.head(self.blocks(x[:2] if len(x) > 2 else x).mean((2, 3)))  # type: ignore[no-any-return]


def test_features_that_are_not_of_single_images_are_not_kept() -> None:
    with pytest.raises(NothingToKeep):
        cut_of(Mixing(), "head")


def test_where_the_first_module_trains_there_is_no_frozen_part() -> None:
    with pytest.raises(AllLives, match="what sees the images first trains"):
        cut_of(Net(), "stem")


def test_a_parameter_of_the_model_itself_makes_it_live_as_a_whole() -> None:
    class Token(Net):
        def __init__(self) -> None:
            super().__init__()
            self.token = nn.Parameter(torch.zeros(3))

    plan_of_token = FreezePlan(
        mode="custom",
        norm="frozen_statistics",
        trainable=("token",),
        train_modules=(),
        frozen_norms=(),
        rows=(),
        num_trainable_parameters=3,
        num_frozen_parameters=1,
    )
    assert live_paths(plan_of_token) == {""}
    with pytest.raises(AllLives):
        find_cut(Token(), plan_of_token, IMAGES, nullcontext)


def test_paths_inside_others_are_left_out() -> None:
    assert outermost(["a", "a.b", "ab", "c.d"]) == {"a", "ab", "c.d"}
    assert outermost(["", "a"]) == {""}
    assert enclosing(frozenset({"a.b.c", "a.b.d", "e"})) == {"a.b", "e"}


def test_a_head_that_gives_the_output_is_called_alone() -> None:
    """Nothing of the way to it is walked again."""
    model = Net()
    cut = cut_of(model, "head")
    features = torch.rand(4, 3)
    walked: list[str] = []
    cut.network.blocks.forward = lambda x: walked.append("blocks") or x

    assert torch.equal(cut.network((features,)), model.head(features))
    assert walked == []


class Scaled(Net):
    """Something happens behind the head."""

    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images) * 2


def test_what_comes_behind_the_head_is_done() -> None:
    model = Scaled()
    features = torch.rand(4, 3)

    given = cut_of(model, "head").network((features,))

    assert torch.equal(given, model.head(features) * 2)
