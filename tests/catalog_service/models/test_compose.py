"""What a source gives, what is dropped and what is drawn: all of it is in the report."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.compose import ComposedState, compose_backbone
from catalog_service.models.compose import compose as compose_from
from catalog_service.models.fitting import State
from catalog_service.models.initialise import random_state
from catalog_service.models.layout import LoadReport, ShapeMismatch
from catalog_service.models.part_report import PartReport, joined
from catalog_service.models.recipe import Recipe, classification_head
from catalog_service.models.source import Source
from catalog_service.models.state_mismatch import StateMismatch
from catalog_service.models.template import template


class Published:
    """A synthetic published file of one architecture, to be damaged by a test."""

    def __init__(self, index: CatalogIndex, name: str, folder: Path) -> None:
        self.published = index.recipe_for(name)
        self.recipe = index.recipe_for(name, head=classification_head(5))
        self.state = random_state(self.published, 11)
        self.path = folder / f"{name}.safetensors"

    def save(self, **changes: Tensor | None) -> Path:
        changed = {**self.state, **changes}
        kept = {name: tensor for name, tensor in changed.items() if tensor is not None}
        save_file(kept, self.path)
        return self.path


@pytest.fixture
def shufflenet(index: CatalogIndex, tmp_path: Path) -> Published:
    return Published(index, "shufflenet_v2_x0_5", tmp_path)


@pytest.fixture
def mobilenet(index: CatalogIndex, tmp_path: Path) -> Published:
    return Published(index, "mobilenet_v3_small", tmp_path)


def test_the_published_head_is_kept_as_it_is(shufflenet: Published) -> None:
    composed = compose(shufflenet.published, shufflenet.save())

    assert_equal({**composed.backbone.state, **composed.head.state}, shufflenet.state)
    assert composed.report.num_loaded == composed.report.num_expected == len(shufflenet.state)
    assert composed.report.backbone_coverage == 1.0
    assert nothing_else_happened(composed.report.to_json())


def test_a_new_head_is_drawn_and_the_old_one_dropped(shufflenet: Published) -> None:
    composed = compose(shufflenet.recipe, shufflenet.save(), seed=2)

    assert_equal(composed.backbone.state, without_head(shufflenet.state))
    assert set(composed.head.state) == {"fc.weight", "fc.bias"}
    assert composed.head.state["fc.weight"].shape == (5, 1024)
    assert composed.report.dropped == ("fc.bias", "fc.weight")
    assert composed.report.initialised == ("fc.weight", "fc.bias")
    assert composed.report.missing == composed.report.unexpected == ()


def test_the_same_seed_gives_the_same_head(shufflenet: Published) -> None:
    path = shufflenet.save()

    heads = [compose(shufflenet.recipe, path, seed=seed).head.state for seed in (2, 2, 3)]

    assert_equal(heads[0], heads[1])
    assert not torch.equal(heads[0]["fc.weight"], heads[2]["fc.weight"])


def test_pretrained_head_layers_are_kept_under_a_new_task(mobilenet: Published) -> None:
    composed = compose(mobilenet.recipe, mobilenet.save())

    assert torch.equal(
        composed.head.state["classifier.0.weight"], mobilenet.state["classifier.0.weight"]
    )
    assert composed.report.initialised == ("classifier.3.weight", "classifier.3.bias")


def test_without_its_last_layer_a_model_drops_the_published_one(
    shufflenet: Published, mobilenet: Published
) -> None:
    for published, dropped, kept in (
        (shufflenet, {"fc.weight", "fc.bias"}, 0),
        (mobilenet, {"classifier.3.weight", "classifier.3.bias"}, 2),
    ):
        recipe = replace(published.recipe, head={"kind": "identity"})

        composed = compose(recipe, published.save())

        assert set(composed.report.dropped) == dropped
        assert len(composed.head.state) == kept
        assert composed.report.initialised == ()
        assert composed.report.backbone_coverage == 1.0


def test_a_backbone_without_any_head_gets_a_whole_new_one(mobilenet: Published) -> None:
    backbone, _ = fit_backbone(mobilenet.recipe, mobilenet.save())
    save_file(dict(backbone), mobilenet.path)

    composed = compose(mobilenet.recipe, mobilenet.path)

    assert set(composed.report.initialised) == set(composed.head.state)
    assert "classifier.0.weight" in composed.head.state
    assert composed.report.backbone_coverage == 1.0


def test_a_backbone_has_no_published_head(mobilenet: Published) -> None:
    backbone, _ = fit_backbone(mobilenet.published, mobilenet.save())
    save_file(dict(backbone), mobilenet.path)

    for allow_partial in (False, True):
        with pytest.raises(StateMismatch, match="give the spec a task: 4 missing"):
            compose(mobilenet.published, mobilenet.path, allow_partial=allow_partial)


def test_a_half_precision_file_is_cast_and_the_report_says_so(shufflenet: Published) -> None:
    halved = {k: t.half() if t.is_floating_point() else t for k, t in shufflenet.state.items()}

    composed = compose(shufflenet.published, shufflenet.save(**halved))

    assert composed.backbone.state["conv1.0.weight"].dtype == torch.float32
    num_floats = sum(tensor.dtype == torch.float16 for tensor in halved.values())
    assert composed.report.rules == (f"F16 -> F32: {num_floats} tensors",)


def test_missing_counters_are_filled_and_the_report_says_so(shufflenet: Published) -> None:
    counters = [name for name in shufflenet.state if name.endswith("num_batches_tracked")]

    composed = compose(shufflenet.published, shufflenet.save(**dict.fromkeys(counters)))

    assert all(int(composed.backbone.state[name]) == 0 for name in counters)
    assert composed.report.rules == (
        f"num_batches_tracked filled with 0: {len(counters)} counters",
    )
    assert composed.report.num_loaded == len(shufflenet.state) - len(counters)
    assert composed.report.backbone_coverage == 1.0


def test_auxiliary_heads_are_dropped_and_reported(index: CatalogIndex, tmp_path: Path) -> None:
    googlenet = Published(index, "googlenet", tmp_path)
    path = googlenet.save(
        **{"aux1.fc2.weight": torch.zeros(2), "aux2.conv.bn.bias": torch.zeros(2)}
    )

    report = compose(googlenet.published, path).report

    assert set(report.dropped) == {"aux1.fc2.weight", "aux2.conv.bn.bias"}
    assert report.unexpected == ()


def test_a_head_of_nan_is_drawn_anew(mobilenet: Published) -> None:
    """As in VGG16's feature weights: the layers that a new task would keep are not numbers."""
    classifier = [name for name in mobilenet.state if name.startswith("classifier.")]
    path = mobilenet.save(
        **{name: torch.full_like(mobilenet.state[name], torch.nan) for name in classifier}
    )

    composed = compose(mobilenet.recipe, path)

    assert set(composed.report.dropped) == set(classifier) == set(composed.report.initialised)
    assert all(bool(tensor.isfinite().all()) for tensor in composed.head.state.values())
    with pytest.raises(StateMismatch, match=r"4 non-finite \(classifier.0.weight"):
        compose(mobilenet.published, path)


@pytest.mark.parametrize("recipe_name", ["published", "recipe"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"conv1.0.weight": torch.full((24, 3, 3, 3), torch.inf)},
            r"1 non-finite \(conv1.0.weight\)",
        ),
        ({"conv1.0.weight": None}, r"1 missing \(conv1.0.weight\)"),
        (
            {"conv1.0.weight": torch.zeros(24, 1, 3, 3)},
            r"1 misshapen \(conv1.0.weight: file \[24, 1, 3, 3\], layout \[24, 3, 3, 3\]\)",
        ),
        ({"projector.weight": torch.zeros(2)}, r"1 unexpected \(projector.weight\)"),
        (
            {"conv1.0.weight": torch.zeros(24, 3, 3, 3, dtype=torch.int64)},
            r"1 mistyped \(conv1.0.weight: I64, not F32\)",
        ),
    ],
)
def test_a_source_that_does_not_fit_is_refused(
    shufflenet: Published, change: dict[str, Tensor | None], message: str, recipe_name: str
) -> None:
    path = shufflenet.save(**change)
    start = "state of 'shufflenet_v2_x0_5.safetensors' does not fit shufflenet_v2_x0_5: "

    with pytest.raises(StateMismatch, match=start + message):
        compose(getattr(shufflenet, recipe_name), path)
    with pytest.raises(StateMismatch, match=start + message):
        fit_backbone(getattr(shufflenet, recipe_name), path)


def test_a_partial_load_must_be_allowed_and_says_what_was_missing(shufflenet: Published) -> None:
    wrong = torch.zeros(24, 1, 3, 3)
    path = shufflenet.save(
        **{"conv5.0.weight": None, "conv1.0.weight": wrong, "projector.weight": torch.zeros(2)}
    )

    composed = compose(shufflenet.recipe, path, seed=5, allow_partial=True)

    report = composed.report
    assert report.missing == ("conv5.0.weight",)
    assert report.misshapen == (
        ShapeMismatch(
            name="conv1.0.weight", source_shape=(24, 1, 3, 3), layout_shape=(24, 3, 3, 3)
        ),
    )
    assert report.unexpected == ("projector.weight",)
    assert report.initialised == ("conv1.0.weight", "conv5.0.weight", "fc.weight", "fc.bias")
    assert 0 < report.backbone_coverage < 1
    drawn = random_state(shufflenet.recipe, 5)
    assert torch.equal(composed.backbone.state["conv5.0.weight"], drawn["conv5.0.weight"])


def test_the_head_is_the_same_under_a_partial_load(shufflenet: Published) -> None:
    whole = compose(shufflenet.recipe, shufflenet.save(), seed=5)
    path = shufflenet.save(**{"conv5.0.weight": None})

    part = compose(shufflenet.recipe, path, seed=5, allow_partial=True)

    assert_equal(part.head.state, whole.head.state)


def test_a_source_of_nothing_is_refused_even_if_partial_is_allowed(
    shufflenet: Published, tmp_path: Path
) -> None:
    """It would be a random model that says it is pretrained."""
    save_file({"module.conv1.0.weight": torch.zeros(1)}, tmp_path / "wrapped.safetensors")

    with pytest.raises(StateMismatch, match="it has no tensor of the backbone that fits"):
        compose(shufflenet.recipe, tmp_path / "wrapped.safetensors", allow_partial=True)


def test_without_a_source_everything_is_drawn_and_reported(shufflenet: Published) -> None:
    composed = compose(shufflenet.recipe, None, seed=4)

    assert_equal(
        {**composed.backbone.state, **composed.head.state}, random_state(shufflenet.recipe, 4)
    )
    assert composed.report.num_loaded == 0
    assert composed.report.backbone_coverage == 0.0
    assert set(composed.report.initialised) == {t.name for t in composed.layout.tensors}


def test_a_registered_backbone_drops_the_head_and_nothing_else(mobilenet: Published) -> None:
    backbone, report = fit_backbone(mobilenet.recipe, mobilenet.save())

    assert_equal(backbone, without_head(mobilenet.state))
    assert set(report.dropped) == mobilenet.state.keys() - backbone.keys()
    assert report.backbone_coverage == 1.0
    assert report.initialised == ()


def test_a_partial_backbone_is_registered_without_drawing_anything(mobilenet: Published) -> None:
    path = mobilenet.save(**{"features.0.0.weight": None})

    backbone, report = fit_backbone(mobilenet.recipe, path, allow_partial=True)

    assert report.missing == ("features.0.0.weight",)
    assert "features.0.0.weight" not in backbone


def test_the_parts_share_no_tensor(mobilenet: Published) -> None:
    composed = compose(mobilenet.recipe, mobilenet.save())

    assert not composed.backbone.state.keys() & composed.head.state.keys()
    assert composed.backbone.state.keys() | composed.head.state.keys() == {
        tensor.name for tensor in composed.layout.tensors
    }


def compose(recipe: Recipe, path: Path | None, **options: Any) -> ComposedState:
    """Compose from a whole published state of the same architecture."""
    source = Source(path=path, recipe=replace(recipe, head=None)) if path else None
    return compose_from(recipe, source, **options)


def fit_backbone(
    recipe: Recipe, path: Path, *, allow_partial: bool = False
) -> tuple[State, LoadReport]:
    """Return the backbone of an uploaded state."""
    part = compose_backbone(recipe, Source(path=path, recipe=recipe), allow_partial=allow_partial)
    return part.state, joined(template(recipe).layout, part.report, PartReport())


def without_head(state: State) -> dict[str, Tensor]:
    return {
        name: tensor
        for name, tensor in state.items()
        if not name.startswith(("fc.", "classifier."))
    }


def assert_equal(first: State, second: State) -> None:
    assert first.keys() == second.keys()
    assert [name for name in first if not torch.equal(first[name], second[name])] == []


def nothing_else_happened(report: dict[str, object]) -> bool:
    lists = ("missing", "unexpected", "misshapen", "dropped", "initialised", "rules")
    return not any(report[name] for name in lists)
