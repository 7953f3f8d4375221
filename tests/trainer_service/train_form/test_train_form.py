"""What the form says of the contract, of the command line and of the server is so."""

from collections.abc import Iterator, Mapping
from typing import Any

import click
import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from catalog_service.errors import InvalidRequest
from trainer_service.api.spec_wire import spec_message, spec_of
from trainer_service.train_form import TRAIN_FORM, FormField, FormValue
from vertebra.cli.train import train
from vertebra.trainer.v1 import train_job_pb2 as pb

FIELDS = {field.path: field for section in TRAIN_FORM for field in section.fields}
SPEC = pb.TrainJobSpec.DESCRIPTOR
LEAST = {"model.backbone": "resnet18", "dataset": "bundledDigits", "numEpochs": 3}
"""What every spec has."""

NEEDED: Mapping[str, Any] = {
    "freeze.lastBlocks.numBlocks": 2,
    "freeze.custom.trainable": ["layer4"],
    "loss.classWeights.weights": [1.0, 2.0],
    "dataset.torchvision.name": "cifar10",
    "earlyStopping.patienceEpochs": 3,
}
"""A value for what is required; `/d` for places."""

ASKED_ELSEWHERE = {
    "model.arguments": "JSON of an architecture's own; experiment files have it",
    "model.inChannels": "the trainer reads images of three channels",
    "model.stemAdaptation": "means nothing with three channels",
    "model.allowFrozenRandom": "a baseline, never a model; experiment files have it",
    "model.instanceSegmentation.head": "there is one",
    "model.keypoints.head": "there is one",
    "model.features.output": "SimCLR has one",
    "model.features.pooling": "of SimCLR; experiment files have it",
}
"""What people choose without the form."""

CHOSEN_AS_MESSAGES = {
    "freeze.frozenBackbone": "`model.freezeBackbone` is its toggle",
    "freeze.scratch": "`model.pretrained` is its toggle",
    "model.features": "`simclr` chooses it",
}


def place_of(path: str) -> FieldDescriptor | Descriptor:
    """Return the field, or the message, at a path."""
    found: FieldDescriptor | Descriptor = SPEC
    for name in path.split("."):
        message = found.message_type if isinstance(found, FieldDescriptor) else found
        assert message is not None, path
        found = next(field for field in message.fields if field.json_name == name)
    return found


def leaves(message: Descriptor, before: str = "") -> Iterator[str]:
    """Yield the paths of everything that has a value; not inside of repeated messages."""
    for field in message.fields:
        path = before + field.json_name
        inner = field.message_type
        if inner is None or field.is_repeated or inner.full_name.startswith("google.protobuf"):
            yield path
        else:
            yield from leaves(inner, f"{path}.")


def put(spec: dict[str, Any], path: str, value: Any) -> None:
    """Write a value as a client does: a choice of a message puts that message there."""
    field = FIELDS.get(path)
    is_message = not path.count(".") and path in ("model", "freeze", "dataset", "simclr")
    if field is not None and field.kind == "toggle" and is_message:
        spec.update({path: {}} if value else {})
        return
    if is_message:
        path, value = f"{path}.{value}", {}
    *parents, last = path.split(".")
    for parent in parents:
        spec = spec.setdefault(parent, {})
    if value is not None:
        spec.setdefault(last, value) if value == {} else spec.update({last: value})


def spec_with(chosen: Mapping[str, FormValue]) -> pb.TrainJobSpec:
    """Return a spec with these choices, and what they need."""
    wanted: dict[str, Any] = {**LEAST, **chosen}
    for path, field in FIELDS.items():
        is_shown = all(
            wanted.get(condition.path, FIELDS[condition.path].default) in condition.values
            for condition in field.shown_when
        )
        if field.is_required and is_shown and path not in wanted:
            wanted[path] = NEEDED.get(path, "/d")
    if "numSteps" in chosen:
        del wanted["numEpochs"]
    if any(path.startswith("earlyStopping") for path in chosen):
        wanted.setdefault("earlyStopping.patienceEpochs", 3)
    spec: dict[str, Any] = {}
    for path, value in wanted.items():
        put(spec, path, value)
    return json_format.ParseDict(spec, pb.TrainJobSpec())


def shown(field: FormField) -> dict[str, FormValue]:
    """Return choices that let a field be shown."""
    return {condition.path: condition.values[0] for condition in field.shown_when}


def value_at(spec: pb.TrainJobSpec, path: str) -> FormValue:
    """Return what a spec has at a path as it is in JSON; for a chosen message, its name."""
    message: Any = spec
    field = SPEC.fields_by_camelcase_name[path.split(".")[0]]
    for name in path.split(".")[1:]:
        message = getattr(message, field.name)
        field = message.DESCRIPTOR.fields_by_camelcase_name[name]
    if field.message_type is not None:
        return _chosen_at(message, field, path)
    value: FormValue = getattr(message, field.name)
    if field.enum_type is None:
        return value
    return str(field.enum_type.values_by_number[int(value or 0)].name)


def _chosen_at(message: Any, field: FieldDescriptor, path: str) -> FormValue:
    if FIELDS[path].kind == "toggle":
        return bool(message.HasField(field.name))
    inner = getattr(message, field.name)
    oneof = inner.WhichOneof(next(iter(inner.DESCRIPTOR.oneofs)).name)
    if path == "model" and oneof is None:
        return "classification"  # as `spec_of` reads it
    return str(inner.DESCRIPTOR.fields_by_name[oneof].json_name) if oneof else None


@pytest.mark.parametrize("path", FIELDS)
def test_every_path_is_one_of_the_contract(path: str) -> None:
    field = FIELDS[path]
    place = place_of(path)
    assert isinstance(place, FieldDescriptor)

    if field.kind == "choice" and place.message_type is not None:
        names = {inner.json_name for inner in place.message_type.fields if inner.containing_oneof}
        assert {choice.value for choice in field.choices} <= names
    elif place.message_type is not None:
        assert field.kind in ("toggle", "duration", "table", "map")
    assert (field.kind in ("list", "table", "map")) == place.is_repeated
    assert (field.kind in ("table", "map")) == bool(field.row)


@pytest.mark.parametrize(
    "path,value",
    [(path, choice.value) for path, field in FIELDS.items() for choice in field.choices],
)
def test_every_choice_can_be_made(path: str, value: FormValue) -> None:
    spec = spec_with({**shown(FIELDS[path]), path: value})

    assert value is None or value_at(spec, path) == value


def test_everything_that_people_choose_is_asked() -> None:
    chosen = {f"{path}.{choice.value}" for path in FIELDS for choice in FIELDS[path].choices}
    messages = {
        f"{place}.{field.json_name}"
        for place in ("freeze", "dataset", "model")
        for oneof in place_of(place).message_type.oneofs  # type: ignore[union-attr]
        for field in oneof.fields
        if field.message_type is not None
    }

    assert set(leaves(SPEC)) - set(FIELDS) == set(ASKED_ELSEWHERE)
    assert messages - chosen == set(CHOSEN_AS_MESSAGES)


@pytest.mark.parametrize("path", [path for path in FIELDS if FIELDS[path].flag])
def test_every_flag_is_one_of_the_command(path: str) -> None:
    flags = {
        name for param in train.params if isinstance(param, click.Option) for name in param.opts
    }

    assert FIELDS[path].flag in flags


@pytest.mark.parametrize("path", [path for path in FIELDS if FIELDS[path].default is not None])
def test_every_default_is_the_servers(path: str) -> None:
    field = FIELDS[path]

    taken = spec_message(spec_of(spec_with(shown(field))))

    assert value_at(taken, path) == field.default


@pytest.mark.parametrize("path", [path for path in FIELDS if FIELDS[path].minimum is not None])
def test_what_is_less_than_the_least_is_refused_or_says_nothing(path: str) -> None:
    least = FIELDS[path].minimum
    assert least is not None
    less = least - 1
    if less == 0:  # spells an absent number out
        return

    with pytest.raises((json_format.ParseError, InvalidRequest)):
        spec_of(spec_with({**shown(FIELDS[path]), path: less}))


def test_conditions_name_what_can_be_chosen() -> None:
    for field in FIELDS.values():
        for condition in field.shown_when:
            other = FIELDS[condition.path]
            can_be = {choice.value for choice in other.choices} or {None, other.default}
            assert set(condition.values) <= can_be, field.path


def test_the_two_toggles_say_what_they_do_in_each_state() -> None:
    def told(path: str) -> dict[FormValue, str]:
        return {choice.value: choice.help for choice in FIELDS[path].choices}

    assert told("model.pretrained") == {
        True: "Model initialized with ImageNet weights for faster convergence.",
        False: "Model initialized with random weights. Requires more training data.",
    }
    assert told("model.freezeBackbone") == {
        True: "Only the final layers will be trained. Use for very small datasets.",
        False: "All layers will be fine-tuned.",
    }


def test_pretrained_is_on_and_the_backbone_moves_unless_somebody_says_so() -> None:
    frozen = FIELDS["model.freezeBackbone"]

    assert FIELDS["model.pretrained"].default is True
    assert frozen.default is False
    assert shown(frozen) == {"model.pretrained": True}


def test_every_way_to_freeze_says_when_to_use_it() -> None:
    modes = [*FIELDS["freeze"].choices, *FIELDS["model.freezeBackbone"].choices]

    assert all(mode.help and mode.advice for mode in modes)
