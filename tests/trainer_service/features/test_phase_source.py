"""Training on kept features is training on images, to the last bit."""

from collections import Counter
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from catalog_service.models.freeze_plan import FreezeMode, freeze_plan
from tests.fakes import composed_recipes
from tests.fakes.kept_features import (
    Frozen,
    Source,
    caching,
    differing,
    frozen,
    image_batches,
    noise,
    state_of,
    trained,
)
from trainer_service.errors import FeatureCacheImpossible
from trainer_service.features.cached_batches import CachedBatches
from trainer_service.features.filling import rounds_by_place
from trainer_service.features.phase_source import phase_source
from trainer_service.freezing import freeze
from trainer_service.jobs import AugmentationStep, FeatureCachePlan
from trainer_service.stop_switch import StopRequested, StopSwitch

TINY = "shufflenet_v2_x0_5"
HEAD_ONLY = FreezeMode(kind="frozen_backbone")
FLIP = (AugmentationStep(kind="horizontal_flip", probability=0.5),)


def last_blocks(num_blocks: int) -> FreezeMode:
    return FreezeMode(kind="last_blocks", num_blocks=num_blocks)


CLASSIFICATION = composed_recipes.TASKS["classification", "linear"]
DINO_CONVNEXT = composed_recipes.recipe_of("dinov3_convnext_tiny", CLASSIFICATION)
MODELS = {
    "resnet18": ("resnet18", HEAD_ONLY, 32),
    "resnet18, layer4": ("resnet18", last_blocks(1), 64),
    "shufflenet, two stages": (TINY, last_blocks(2), 64),
    "mobilenet_v3, dropout in the head": ("mobilenet_v3_small", HEAD_ONLY, 64),
    **{
        f"{name}, {mode}": (composed_recipes.recipe_of(name, CLASSIFICATION), mode, 64)
        for name in ("dinov3_vits16", "dinov3_convnext_tiny")
        for mode in (HEAD_ONLY, last_blocks(1))
    },
    "stochastic depth before and after the cut": (
        replace(DINO_CONVNEXT, arguments={**DINO_CONVNEXT.arguments, "drop_path_rate": 0.5}),
        last_blocks(1),
        64,
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_weights_and_metrics_are_those_of_the_uncached_loop(name: str) -> None:
    recipe, mode, side_px = MODELS[name]
    images = image_batches(noise(12, side_px=side_px))
    uncached = frozen(recipe, mode, side_px=side_px)
    cached = frozen(recipe, mode, side_px=side_px)
    before = state_of(cached.model)

    source = kept(cached, images_of=images)
    losses = trained(source, cached.plan, num_epochs=2)

    assert losses == trained((uncached.model, images), uncached.plan, num_epochs=2)
    assert differing(state_of(cached.model), state_of(uncached.model)) == []
    assert set(differing(state_of(cached.model), before)) >= set(cached.plan.trainable)


def test_batch_norms_of_the_living_part_count_as_they_do_uncached() -> None:
    images = image_batches(noise(12, side_px=64))
    uncached = frozen("resnet18", last_blocks(1), norm="batch_statistics", side_px=64)
    cached = frozen("resnet18", last_blocks(1), norm="batch_statistics", side_px=64)
    before = state_of(cached.model)

    trained(kept(cached, images_of=images), cached.plan)
    trained((uncached.model, images), uncached.plan)

    assert differing(state_of(cached.model), state_of(uncached.model)) == []
    moved = differing(state_of(cached.model), before)
    assert "layer4.0.bn1.running_mean" in moved
    assert "layer3.0.bn1.running_mean" not in moved


def test_where_a_kernel_rounds_by_place_in_the_batch_only_rounding_differs() -> None:
    """The uncached loop itself gives an image other bits at another place: nothing to be equal to.
    Batches of other sizes are such places, too.
    """
    images = image_batches(noise(12, side_px=64))
    uncached = frozen("efficientnet_b0", HEAD_ONLY, side_px=64)
    cached = frozen("efficientnet_b0", HEAD_ONLY, side_px=64)

    losses = trained(kept(cached, images_of=images), cached.plan)

    assert losses == pytest.approx(trained((uncached.model, images), uncached.plan), rel=1e-3)


@pytest.mark.parametrize(
    ("num_images", "is_told"), [(8, False), (10, True)], ids=["whole batches", "a smaller last one"]
)
def test_rounding_by_the_size_of_a_batch_is_told(num_images: int, is_told: bool) -> None:
    """Only where there is such a batch."""

    def prefix(images: Tensor) -> tuple[Tensor, ...]:
        return (images.mean(dim=(2, 3)) + (1e-6 if len(images) < 4 else 0.0),)

    assert rounds_by_place(prefix, torch.ones(1, 3, 8, 8), num_images, 4) is is_told


def test_rounding_by_place_is_told() -> None:
    def prefix(images: Tensor) -> tuple[Tensor, ...]:
        return (images.mean(dim=(2, 3)) + 1e-6 * torch.arange(len(images))[:, None],)

    assert rounds_by_place(prefix, torch.ones(1, 3, 8, 8), 8, 4)


@pytest.mark.parametrize("head", ["fcn", "lraspp"])
def test_dense_models_train_on_kept_maps(head: str) -> None:
    """Their outputs are dicts, and sizes of the images reach behind the cut."""
    recipe = composed_recipes.recipe_of("resnet18", composed_recipes.SEGMENTERS[head])
    images = image_batches(noise(8, side_px=64), masks=True)
    uncached, cached = (frozen(recipe, last_blocks(1), side_px=64) for _ in range(2))

    losses = trained(kept(cached, images_of=images), cached.plan, num_epochs=2)

    expected = trained((uncached.model, images), uncached.plan, num_epochs=2)
    assert losses == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("num_epochs", [1, 4])
def test_the_frozen_part_sees_every_image_once_however_long_it_trains(num_epochs: int) -> None:
    part = frozen(TINY, HEAD_ONLY)
    images = image_batches(noise(10))
    seen = images_seen_by(part.model.get_submodule("conv1"))

    trained(kept(part, images_of=images), part.plan, num_epochs=num_epochs)

    num_padded, num_train, num_validation = 2, 10, 5
    num_probed = 5 + 4 + 2  # where to cut; how a whole and a last batch round
    assert seen["conv1"] == num_probed + num_train + num_padded + num_validation


def test_uncached_the_frozen_part_sees_every_image_in_every_epoch() -> None:
    part = frozen(TINY, HEAD_ONLY)
    seen = images_seen_by(part.model.get_submodule("conv1"))

    trained((part.model, image_batches(noise(10))), part.plan, num_epochs=4)

    assert seen["conv1"] == 4 * 10 + 5 * 5


def test_as_many_views_as_epochs_are_augmenting_anew() -> None:
    images = image_batches(noise(12), augmentation=FLIP)
    uncached, cached = (frozen("resnet18", HEAD_ONLY) for _ in range(2))

    losses = trained(kept(cached, images_of=images, num_views=3), cached.plan)

    assert losses == trained((uncached.model, images), uncached.plan)


def test_views_take_turns() -> None:
    images = image_batches(noise(8), augmentation=FLIP)
    _, batches = kept(frozen(TINY, HEAD_ONLY), images_of=images, num_views=2)

    first, second, third = (rows_by_position(batches, epoch) for epoch in (1, 2, 3))

    assert all(torch.equal(first[position], third[position]) for position in range(8))
    assert not all(torch.equal(first[position], second[position]) for position in range(8))


def test_masks_move_with_their_views() -> None:
    recipe = composed_recipes.recipe_of("resnet18", composed_recipes.SEGMENTERS["fcn"])
    images = image_batches(noise(8, side_px=64), masks=True, augmentation=FLIP)
    part = frozen(recipe, HEAD_ONLY, side_px=64)

    _, batches = kept(part, images_of=images, num_views=2)

    for epoch in (1, 2):
        for ours, theirs in zip(batches.training(epoch), images.training(epoch), strict=True):
            assert isinstance(ours.targets, torch.Tensor)
            assert isinstance(theirs.targets, torch.Tensor)
            assert torch.equal(ours.targets, theirs.targets)


def test_a_phase_that_frees_more_keeps_what_is_still_frozen() -> None:
    images = image_batches(noise(12, side_px=64))
    results = []
    for is_cached in (True, False):
        part = frozen("resnet18", HEAD_ONLY, side_px=64)
        for mode in (HEAD_ONLY, last_blocks(1)):
            plan = freeze_plan(part.layout, mode)
            freeze(part.model, part.layout, plan)
            source: Source = (part.model, images)
            if is_cached:
                source = phase_source(part.model, images, plan, caching())
                assert isinstance(source[1], CachedBatches)
            trained(source, plan, num_epochs=1)
        results.append(state_of(part.model))

    assert differing(*results) == []


def test_the_model_is_as_it_was() -> None:
    part = frozen("resnet18", last_blocks(1), norm="batch_statistics", side_px=64)
    part.model.get_submodule("layer4").train()
    before, modes = state_of(part.model), modes_of(part.model)
    random = torch.random.get_rng_state()

    kept(part, images_of=image_batches(noise(6, side_px=64)))

    assert differing(state_of(part.model), before) == []
    assert modes_of(part.model) == modes
    assert torch.equal(torch.random.get_rng_state(), random)
    assert not any(module._forward_pre_hooks for module in part.model.modules())


def test_the_network_has_the_models_paths_and_parameters() -> None:
    part = frozen("resnet18", last_blocks(1), side_px=64)

    network, _ = kept(part, images_of=image_batches(noise(6, side_px=64)))

    own, shared = dict(part.model.named_parameters()), dict(network.named_parameters())
    assert all(shared[name] is own[name] for name in part.plan.trainable)
    network.get_submodule("layer4").train()
    network.get_submodule("layer4.0.bn1").eval()
    assert part.model.get_submodule("layer4.0").training
    assert not part.model.get_submodule("layer4.0.bn1").training
    assert not part.model.get_submodule("layer3").training


def test_what_is_kept_and_where_is_told() -> None:
    said: list[str] = []

    kept(frozen("resnet18", HEAD_ONLY), images_of=image_batches(noise(8)), say=said.append)

    assert said == [
        "what enters fc is computed once and kept for this phase: 8 rows to train on, 0.0 MB"
    ]


def test_where_everything_trains_nothing_is_kept() -> None:
    part, images = frozen(TINY, FreezeMode()), image_batches(noise(6))

    assert phase_source(part.model, images, part.plan, caching(is_required=True)) == (
        part.model,
        images,
    )


def test_a_plan_without_a_cache_keeps_nothing() -> None:
    part, images = frozen(TINY, HEAD_ONLY), image_batches(noise(6))
    off = caching(plan=FeatureCachePlan(is_used=False))

    assert phase_source(part.model, images, part.plan, off) == (part.model, images)


def test_what_does_not_fit_is_told_and_trains_uncached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer_service.features.phase_source.SHARE_OF_MEMORY", 0)
    part, images, said = frozen(TINY, HEAD_ONLY), image_batches(noise(6)), []

    source = phase_source(part.model, images, part.plan, caching(say=said.append))

    assert source == (part.model, images)
    assert "nothing is kept of what is frozen under frozen_backbone: it would take" in said[0]


def test_what_is_required_and_impossible_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer_service.features.phase_source.SHARE_OF_MEMORY", 0)
    part = frozen(TINY, HEAD_ONLY)

    with pytest.raises(FeatureCacheImpossible, match="REQUIRED, but nothing can be kept under"):
        kept(part, images_of=image_batches(noise(6)), is_required=True)


def test_a_stop_ends_the_pass() -> None:
    part, stop = frozen("resnet18", last_blocks(1), norm="batch_statistics"), StopSwitch()
    before = state_of(part.model)
    stop.request()

    with pytest.raises(StopRequested):
        kept(part, images_of=image_batches(noise(6)), check=stop.check)

    assert differing(state_of(part.model), before) == []
    assert not any(module._forward_pre_hooks for module in part.model.modules())


def test_bf16_features_are_those_of_the_uncached_forward() -> None:
    part, images = frozen("resnet18", HEAD_ONLY), image_batches(noise(8))

    _, batches = kept(part, images_of=images, precision="bf16")

    part.model.fc = nn.Identity()
    part.model.eval()
    rows = rows_by_position(batches, 1)
    for batch in images.training(1):
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            features = part.model(batch.images)
        for row, position in zip(features, batch.positions, strict=True):
            assert torch.equal(rows[int(position)], row)


def kept(part: Frozen, *, images_of: object, **words: object) -> Source:
    """Return a source of kept features; fails where there is none."""
    source = phase_source(part.model, images_of, part.plan, caching(**words))  # type: ignore[arg-type]
    assert isinstance(source[1], CachedBatches)
    return source


def images_seen_by(module: nn.Module) -> Counter[str]:
    seen: Counter[str] = Counter()
    module.register_forward_hook(
        lambda _, inputs, __: seen.update(conv1=len(inputs[0]))  # type: ignore[func-returns-value]
    )
    return seen


def rows_by_position(batches: object, epoch: int) -> dict[int, torch.Tensor]:
    assert isinstance(batches, CachedBatches)
    return {
        int(position): row
        for batch in batches.training(epoch)
        for position, row in zip(batch.positions, batch.images[0], strict=True)
    }


def modes_of(model: nn.Module) -> list[bool]:
    return [module.training for module in model.modules()]
