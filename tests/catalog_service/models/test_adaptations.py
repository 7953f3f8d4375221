"""What a recipe changes in a published backbone is done, reported, and covers all of it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.adaptations import adaptations, left_out, with_known_rows
from catalog_service.models.compose import ComposedState, compose
from catalog_service.models.initialise import random_state
from catalog_service.models.recipe import Recipe, classification_head
from catalog_service.models.source import Source
from catalog_service.models.template import template
from catalog_service.models.write_state import write_state

STEM = "conv1.0.weight"


@pytest.fixture(scope="module")
def published() -> Recipe:
    return CatalogIndex.load().recipe_for("shufflenet_v2_x0_5")


@pytest.fixture(scope="module")
def state(published: Recipe) -> Mapping[str, Tensor]:
    return random_state(published, 1)


@pytest.fixture(scope="module")
def source(
    published: Recipe, state: Mapping[str, Tensor], tmp_path_factory: pytest.TempPathFactory
) -> Source:
    path = tmp_path_factory.mktemp("source") / "state"
    write_state(path, state)
    return Source(path=path, recipe=published)


def composed(source: Source, **changes: Any) -> ComposedState:
    assert source.recipe is not None
    recipe = replace(source.recipe, **{"head": classification_head(3), **changes})
    return compose(recipe, source, seed=2)


def test_a_repeated_stem_covers_the_whole_backbone(
    source: Source, state: Mapping[str, Tensor]
) -> None:
    built = composed(source, stem={"in_channels": 6, "adaptation": "repeat"})

    assert built.backbone.state[STEM].shape == (24, 6, 3, 3)
    assert torch.allclose(built.backbone.state[STEM][:, :3] * 2, state[STEM])
    assert built.report.backbone_coverage >= 1.0
    assert "first layer adapted to 6 channels: repeat" in built.report.rules
    assert STEM not in built.report.initialised
    assert not built.report.misshapen


def test_a_random_stem_was_asked_for_and_is_reported_as_drawn(
    source: Source, state: Mapping[str, Tensor]
) -> None:
    built = composed(source, stem={"in_channels": 3, "adaptation": "random"})

    assert not torch.equal(built.backbone.state[STEM], state[STEM])
    assert STEM in built.report.initialised
    assert STEM in built.report.dropped
    assert not built.report.missing
    assert built.report.backbone_coverage < 1.0


def test_a_removed_modules_tensors_are_dropped_by_a_named_rule(source: Source) -> None:
    built = composed(source, removed_modules=("stage4.3",))

    gone = [name for name in built.report.dropped if name.startswith("stage4.3.")]
    assert gone
    assert f"removed modules: {len(gone)} tensors dropped" in built.report.rules
    assert not built.report.unexpected


def test_an_unknown_counter_is_not_taken_for_one_of_frozen_norm(published: Recipe) -> None:
    layout = template(published).layout

    found = left_out(published, layout, ["projector.num_batches_tracked"])

    assert not found.names and not found.rules


@pytest.mark.parametrize(("size", "places"), [(32, 4), ([32, 64], 8), (224, 196)])
def test_a_position_table_gets_the_images_grid(size: Any, places: int) -> None:
    recipe = CatalogIndex.load().recipe_for("vit_b_16")
    recipe = replace(recipe, arguments={**recipe.arguments, "image_size": size})
    layout = template(recipe).layout
    table = torch.rand(1, 197, 768, generator=torch.Generator().manual_seed(0))

    [(name, adaptation)] = adaptations(recipe, layout).items()
    adapted = adaptation.adapt(table)

    assert name == "encoder.pos_embedding"
    assert adapted.shape == (1, 1 + places, 768)
    assert (adapted is table) == (size == 224), "the published size changes nothing"


def test_a_table_of_a_grid_that_is_not_square_is_left_to_be_refused() -> None:
    """How many of its 18 places are a row, it does not say."""
    recipe = CatalogIndex.load().recipe_for("vit_b_16")
    [(_, adaptation)] = adaptations(recipe, template(recipe).layout).items()
    table = torch.randn(1, 1 + 18, 768)

    assert adaptation.adapt(table) is table


def test_rows_of_known_classes_are_kept_and_counted(
    published: Recipe, state: Mapping[str, Tensor]
) -> None:
    head = {**classification_head(3), "known_rows": [[0, 7], [2, 1]], "num_published": 1000}
    recipe = replace(published, head=head)
    drawn = {"fc.weight": torch.zeros(3, 1024), "fc.bias": torch.zeros(3)}

    known = with_known_rows(recipe, state, drawn)

    assert torch.equal(known.state["fc.weight"][0], state["fc.weight"][7])
    assert torch.equal(known.state["fc.weight"][2], state["fc.weight"][1])
    assert not known.state["fc.weight"][1].any()
    assert not drawn["fc.weight"].any(), "what was drawn stays as it was"
    assert known.rules == (
        "fc.bias: kept 2 of 3 rows, of known classes",
        "fc.weight: kept 2 of 3 rows, of known classes",
    )


def test_known_rows_are_kept_behind_a_dropout_too(
    source: Source, state: Mapping[str, Tensor]
) -> None:
    """The layer is `fc.1` then."""
    known = {"known_rows": [[0, 7], [2, 1]], "num_published": 1000}

    built = composed(source, head={**classification_head(3), **known, "dropout": 0.2})

    weight, bias = (built.head.state[f"fc.1.{name}"] for name in ("weight", "bias"))
    assert torch.equal(weight[[0, 2]], state["fc.weight"][[7, 1]])
    assert torch.equal(bias[[0, 2]], state["fc.bias"][[7, 1]])
    assert built.report.rules == (
        "fc.1.bias: kept 2 of 3 rows, of known classes",
        "fc.1.weight: kept 2 of 3 rows, of known classes",
    )


def test_another_architectures_head_is_dropped_and_named(
    source: Source, state: Mapping[str, Tensor], tmp_path: Path
) -> None:
    """The same numbers as a bare backbone under a composed model."""
    head = {
        "kind": "pooled",
        "num_outputs": 2,
        "hidden_units": [],
        "dropout": 0.0,
        "pooling": "avg",
        "feature_maps": ["stage4"],
    }

    built = composed(source, head=head)

    assert set(built.report.dropped) == {"fc.weight", "fc.bias"}
    assert built.report.backbone_coverage == 1.0
    assert "renamed the backbone's prefix '' to 'backbone.'" in built.report.rules
    for name in state.keys() - {"fc.weight", "fc.bias"}:
        assert torch.equal(built.backbone.state[f"backbone.{name}"], state[name])


def test_a_rectangles_table_is_taken_as_it_is_for_the_same_rectangle() -> None:
    """32 x 128 px are 2 x 8 places: as many as 4 x 4, which a square would have."""
    recipe = Recipe(builder="torchvision/vit_b_16", arguments={"image_size": [32, 128]})
    table = torch.randn(1, 1 + 16, 768)

    [(_, adaptation)] = adaptations(recipe, template(recipe).layout, (32, 128)).items()
    [(_, of_a_square)] = adaptations(recipe, template(recipe).layout).items()

    assert adaptation.adapt(table) is table
    assert not torch.equal(of_a_square.adapt(table), table)


def test_a_rectangles_table_becomes_a_squares_though_it_has_as_many_places() -> None:
    recipe = Recipe(builder="torchvision/vit_b_16", arguments={"image_size": 64})
    table = torch.randn(1, 1 + 16, 768)

    [(_, adaptation)] = adaptations(recipe, template(recipe).layout, (32, 128)).items()

    found = adaptation.adapt(table)
    torch.testing.assert_close(found[0, 4], table[0, 8], rtol=0, atol=1e-5)  # the upper right
    assert not torch.equal(found, table)
