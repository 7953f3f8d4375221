"""Advice from the real index: what is offered, in which order, and why the rest is not."""

from pathlib import Path
from typing import Any, cast

import pytest

from catalog_service.checkpoints.registry import Registry
from catalog_service.errors import InvalidRequest
from catalog_service.index.catalog_index import ArchitectureNotFound, CatalogIndex
from catalog_service.index.entries import WeightEntry
from catalog_service.models.contracts import InputContract
from catalog_service.models.description import model_description
from catalog_service.models.freeze_plan import freeze_mode_of
from catalog_service.models.model_description import DescriptionOrder
from catalog_service.models.spec import ModelSpec
from catalog_service.models.tasks import DetectionTask, KeypointsTask, SegmentationTask, Task
from catalog_service.resolve.advice import Advice, Question, advise
from catalog_service.resolve.advice.question import TASKS
from catalog_service.resolve.advice.training_memory import SHARES, training_bytes
from catalog_service.resolve.build_plan import plan_build
from catalog_service.resolve.description import Descriptions, describe_plan, training_of
from catalog_service.worker_pool import WorkerPool
from tests.fakes.worker_here import InThisProcess

GB = 10**9


def ask(*, cached: tuple[str, ...] = (), **fields: Any) -> Advice:
    question = Question(**{"task": "classification", "num_images": 500, **fields})

    def is_cached(weight: WeightEntry) -> bool:
        return weight.architecture_id in cached

    return advise(question, CatalogIndex.load(), is_cached=is_cached)


def names(advice: Advice) -> list[str]:
    return [candidate.weight.architecture_id for candidate in advice.candidates]


@pytest.mark.parametrize("task", TASKS)
def test_there_are_candidates_for_every_task(task: str) -> None:
    assert len(names(ask(task=task))) == 5


def test_the_best_published_result_comes_first() -> None:
    values = [c.metric.value for c in ask(max_candidates=20).candidates if c.metric]

    assert len(values) == 20 and values == sorted(values, reverse=True)


def test_what_was_published_for_the_task_comes_before_backbones() -> None:
    found = ask(task="detection", max_candidates=12).candidates

    assert found[0].metric is not None and found[0].metric.name == "box_map"
    tasks = [candidate.weight.task for candidate in found]
    assert tasks == sorted(tasks, key=lambda task: task != "detection")
    assert "classification" in tasks


def test_an_architecture_is_offered_once() -> None:
    found = names(ask(max_candidates=100))

    assert len(found) == len(set(found))


def test_models_of_clips_are_not_offered_for_images() -> None:
    tasks = {candidate.weight.task for candidate in ask(max_candidates=100).candidates}

    assert tasks <= {"classification", "features"}


def test_each_limit_holds_and_is_named_where_it_left_something_out() -> None:
    advice = ask(
        max_parameters=30_000_000,
        max_gflops=5.0,
        max_memory_bytes=2 * GB,
        num_images=50_000,
        max_candidates=100,
    )

    for candidate in advice.candidates:
        assert candidate.weight.num_parameters <= 30_000_000
        assert candidate.weight.gflops <= 5.0
        assert candidate.training_memory_bytes <= 2 * GB
    said = " | ".join(advice.excluded)
    for words in ("30,000,000 parameters", "5 GFLOPs", "2.0 GB"):
        assert words in said


def test_every_weight_is_offered_or_counted_as_left_out() -> None:
    advice = ask(max_parameters=30_000_000)

    left_out = sum(int(line.split()[0]) for line in advice.excluded)
    assert left_out + len(advice.candidates) == len(CatalogIndex.load().weights)


def test_a_frozen_backbone_needs_less_memory_than_a_full_training() -> None:
    entry = CatalogIndex.load().architecture("resnet50")
    sizes = [
        training_bytes(entry, "classification", mode, 32)
        for mode in ("frozen_backbone", "last_blocks(1)", "full")
    ]

    assert sizes == sorted(sizes) and sizes[0] < sizes[2] / 3


def test_only_cached_weights_on_request() -> None:
    advice = ask(cached_only=True, cached=("resnet18", "alexnet"))

    assert sorted(names(advice)) == ["alexnet", "resnet18"]
    assert all(candidate.is_cached for candidate in advice.candidates)
    assert any("not at hand" in line for line in advice.excluded)


def test_licences_are_filtered_and_an_unknown_one_is_said() -> None:
    known = ask(licences=("dinov3-license",), max_candidates=100)
    unknown = ask(architectures=("resnet18",))

    assert {c.weight.licence for c in known.candidates} == {"dinov3-license"}
    assert "the publisher names no licence" in unknown.candidates[0].reasons


def test_dinov3_stays_frozen_where_others_are_trained() -> None:
    advice = ask(num_images=50_000, architectures=("dinov3_vits16", "resnet18"))

    modes = {c.weight.architecture_id: c.freeze_mode for c in advice.candidates}
    assert advice.rule.freeze_mode == "full"
    assert modes == {"resnet18": "full", "dinov3_vits16": "frozen_backbone"}
    [dino] = [c for c in advice.candidates if c.weight.architecture_id == "dinov3_vits16"]
    assert any("DINOv3 stays frozen" in reason for reason in dino.reasons)
    assert any(reason.startswith("gated") for reason in dino.reasons)


def test_an_unknown_likeness_is_said() -> None:
    assert any("taken as similar" in reason for reason in ask().reasons)
    assert not any("taken as similar" in reason for reason in ask(likeness="similar").reasons)


def test_every_wrong_field_is_named_at_once() -> None:
    with pytest.raises(InvalidRequest) as caught:
        ask(task="poetry", num_images=0, likeness="green", licences=("mine",), batch_size=-1)

    fields = {violation.field for violation in caught.value.violations}
    assert fields == {"task", "num_images", "likeness", "licences", "batch_size"}
    assert "detection" in caught.value.message and "dinov3-license" in caught.value.message


def test_more_images_per_step_than_bytes_can_be_counted_for_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="batch_size: 2147483647 is not between 1 and 65536"):
        ask(task="detection", batch_size=2**31 - 1)

    largest = ask(task="detection", batch_size=65_536, max_candidates=100).candidates
    assert max(each.training_memory_bytes for each in largest) < 2**63


def test_not_a_number_is_no_limit() -> None:
    with pytest.raises(InvalidRequest, match="max_gflops"):
        ask(max_gflops=float("nan"))


def test_an_unknown_architecture_is_not_found() -> None:
    with pytest.raises(ArchitectureNotFound, match="resnet50"):
        ask(architectures=("resnet51",))


def test_few_images_a_class_are_said() -> None:
    assert any("5.0 images a class" in reason for reason in ask(num_classes=100).reasons)
    assert not any("images a class" in reason for reason in ask(num_classes=50).reasons)


@pytest.mark.full
@pytest.mark.parametrize("mode", SHARES)
@pytest.mark.parametrize(
    "name",
    [
        entry.architecture_id
        for entry in CatalogIndex.load().architectures
        if entry.task == "classification" and entry.is_buildable
    ],
)
def test_the_memory_of_no_backbone_is_estimated_too_low(name: str, mode: str) -> None:
    """Against DescribeModel; an upper estimate may be high, but a model that fits must fit."""
    entry, contract = CatalogIndex.load().architecture(name), default_contract(name)
    order = DescriptionOrder(
        recipe=CatalogIndex.load().recipe_for(name),
        height_px=contract.height_px,
        width_px=contract.width_px,
        freeze_mode=freeze_mode_of(mode),
    )

    described = model_description(order).training_memory.total_bytes

    assert training_bytes(entry, "classification", mode, 32) > 0.97 * described


def default_contract(name: str) -> InputContract:
    contract = CatalogIndex.load().default_weight(name).preprocessing
    assert contract is not None
    return contract


@pytest.mark.parametrize(
    ("task", "spec_task"),
    [
        ("segmentation", SegmentationTask(num_classes=21)),
        ("detection", DetectionTask(num_classes=20)),
        ("keypoints", KeypointsTask(num_keypoints=17)),
    ],
)
def test_the_memory_of_a_composed_model_is_not_estimated_too_low(
    task: str, spec_task: Task, tmp_path: Path
) -> None:
    index = CatalogIndex.load()
    registry = Registry(f"sqlite:///{tmp_path}/catalog.db")
    spec = ModelSpec(backbone="resnet18", task=spec_task)
    described = describe_plan(
        plan_build(spec, index, registry),
        spec,
        training_of(spec, freeze_mode="frozen_backbone"),
        Descriptions(cast(WorkerPool, InThisProcess())),
    )

    estimate = training_bytes(index.architecture("resnet18"), task, "frozen_backbone", 32)

    actual = described.model.training_memory.total_bytes
    assert 0.97 * actual < estimate < 4 * actual
