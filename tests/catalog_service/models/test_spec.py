"""A spec's JSON, its contradictions and its digest."""

from dataclasses import replace

import pytest

from catalog_service.models.plain_json import MalformedJson
from catalog_service.models.spec import ModelSpec, spec_digest
from catalog_service.models.spec_check import check
from catalog_service.models.tasks import ClassificationTask

PETS = ModelSpec(backbone="resnet50", task=ClassificationTask(class_names=("cat", "dog")))


def test_the_promised_json_is_a_spec() -> None:
    spec = ModelSpec.from_json(
        {"backbone": "resnet50", "pretrained": True, "freeze_backbone": False}
    )

    assert spec == ModelSpec(backbone="resnet50", pretrained=True, freeze_backbone=False)
    assert spec.is_pretrained
    assert check(spec) == []


def test_absent_pretrained_is_true() -> None:
    assert ModelSpec(backbone="resnet50").is_pretrained


@pytest.mark.parametrize(
    "spec",
    [
        PETS,
        replace(PETS, pretrained=False, seed=2**63 - 1, freeze_backbone=False),
        replace(PETS, weights="checkpoints/letters", image_height_px=64, image_width_px=96),
        ModelSpec(backbone="vit_b_16"),
    ],
)
def test_json_round_trips(spec: ModelSpec) -> None:
    assert ModelSpec.from_json(spec.to_json()) == spec


def test_a_task_stands_under_its_kind() -> None:
    assert PETS.to_json()["classification"]["class_names"] == ["cat", "dog"]
    with pytest.raises(MalformedJson, match="a task stands under its kind"):
        ModelSpec.from_json({"backbone": "resnet50", "task": {}})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"backbone": "resnet50", "colour": 1}, "no field colour; fields are backbone"),
        ({}, "backbone missing"),
        ({"backbone": 50}, r"backbone: 50 is not of type str"),
        ({"backbone": "resnet50", "seed": True}, "seed: True is not a number"),
        ({"backbone": "resnet50", "classification": {"class_names": "ab"}}, "is not a list"),
        ([], "is not an object"),
    ],
)
def test_malformed_json_is_refused(data: object, message: str) -> None:
    with pytest.raises(MalformedJson, match=message):
        ModelSpec.from_json(data)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"backbone": ""}, "backbone"),
        ({"backbone": "architectures/"}, "backbone"),
        ({"pretrained": False, "weights": "checkpoints/x"}, "weights"),
        ({"pretrained": False, "allow_partial": True}, "allow_partial"),
        ({"task": ClassificationTask()}, "classification.num_classes"),
        ({"task": ClassificationTask(num_classes=-1)}, "classification.num_classes"),
        ({"task": ClassificationTask(num_classes=10**7)}, "classification.num_classes"),
        (
            {"task": ClassificationTask(class_names=("a", "b"), num_classes=3)},
            "classification.num_classes",
        ),
        ({"task": ClassificationTask(class_names=("a", "a"))}, "classification.class_names"),
        ({"task": ClassificationTask(class_names=("a", " "))}, "classification.class_names"),
        ({"image_height_px": 64}, "image_width_px"),
        ({"image_width_px": 64}, "image_height_px"),
        ({"image_height_px": -1, "image_width_px": 64}, "image_height_px"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**63}, "seed"),
    ],
)
def test_contradictions_name_their_field(changes: dict[str, object], field: str) -> None:
    spec = replace(PETS, **changes)  # type: ignore[arg-type]  # one row, one field

    assert field in [violation.field for violation in check(spec)]


def test_all_problems_are_reported_together() -> None:
    spec = ModelSpec(backbone="", pretrained=False, weights="x", seed=-1)

    assert [violation.field for violation in check(spec)] == ["backbone", "weights", "seed"]


def test_names_win_over_the_number() -> None:
    assert ClassificationTask(class_names=("a", "b"), num_classes=2).num_outputs == 2
    assert ClassificationTask(num_classes=5).num_outputs == 5


def test_the_digest_names_the_model_and_nothing_else() -> None:
    digest = spec_digest(PETS)

    assert digest.startswith("sha256:")
    for same in (
        {"freeze_backbone": True},
        {"allow_frozen_random": True},
        {"pretrained": True},
        {"backbone": "architectures/resnet50"},
    ):
        assert spec_digest(replace(PETS, **same)) == digest, same
    for other in (
        {"seed": 1},
        {"pretrained": False},
        {"weights": "checkpoints/letters"},
        {"task": ClassificationTask(class_names=("dog", "cat"))},
        {"image_height_px": 64, "image_width_px": 64},
        {"allow_partial": True},
    ):
        assert spec_digest(replace(PETS, **other)) != digest, other


def test_class_names_are_not_each_compared_with_every_other_one() -> None:
    """Each `==` is counted: for 100,000 names all pairs take minutes."""
    num_comparisons = 0

    class Counting(str):
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            nonlocal num_comparisons
            num_comparisons += 1
            return str.__eq__(self, other)

    names = tuple(Counting(f"class {number}") for number in range(2_000))

    assert check(ModelSpec(backbone="resnet50", task=ClassificationTask(class_names=names))) == []
    assert num_comparisons < 100_000
