"""What tables ask for in a row is what the contract has, and defaults are the server's."""

from collections.abc import Mapping
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from tests.trainer_service.train_form.test_train_form import FIELDS, leaves, place_of, spec_with
from trainer_service.api.spec_wire import spec_message, spec_of
from trainer_service.train_form import FormField, FormValue
from vertebra.trainer.v1 import train_job_pb2 as pb

TABLES = [path for path, field in FIELDS.items() if field.kind == "table"]
MAPS = [path for path, field in FIELDS.items() if field.kind == "map"]
CHOICES = [(path, choice.value) for path in TABLES for choice in FIELDS[path].row[0].choices]
NEEDED: Mapping[str, Any] = {
    "afterEpochs": 1,
    "afterSteps": 10,
    "afterPlateauEpochs": 3,
    "rotation.maxDegrees": 15.0,
}
"""A value for what a row cannot do without."""

CHANGES_SOMETHING = {"colorJitter.brightness": 0.4, "shift.maxShare": 0.2}
"""A jitter of nothing is refused, and a usual shift alone is `AUGMENTATION_SHIFT`."""


def entry_of(path: str) -> Descriptor:
    """Return the message of one entry."""
    place = place_of(path)
    assert isinstance(place, FieldDescriptor) and place.message_type is not None
    return place.message_type


def asked_with(path: str, chosen: FormValue) -> list[FormField]:
    """Return what a row of this kind asks for."""
    return [
        field
        for field in FIELDS[path].row[1:]
        if all(chosen in condition.values for condition in field.shown_when)
    ]


def spec_with_row(path: str, chosen: FormValue) -> pb.TrainJobSpec:
    """Return a spec with one row, which has what it needs and nothing else."""
    row: dict[str, Any] = {} if str(chosen) in NEEDED else {str(chosen): {}}
    for field in asked_with(path, chosen):
        value = CHANGES_SOMETHING.get(field.path, NEEDED.get(field.path))
        if value is not None:
            *parents, last = field.path.split(".")
            inner = row
            for parent in parents:
                inner = inner.setdefault(parent, {})
            inner[last] = value
    shown = {
        one.path: one.values[0]
        for one in FIELDS[path].shown_when
        if one.values[0] != FIELDS[one.path].default
    }
    spec = json_format.MessageToDict(spec_with(shown))
    *parents, last = path.split(".")
    at = spec
    for parent in parents:
        at = at.setdefault(parent, {})
    at[last] = [row]
    return json_format.ParseDict(spec, pb.TrainJobSpec())


def entry_at(spec: pb.TrainJobSpec, path: str) -> Any:
    """Return the first entry of a table as JSON has it."""
    at: Any = json_format.MessageToDict(spec)
    for name in path.split("."):
        at = at[name]
    return at[0]


@pytest.mark.parametrize("path", TABLES)
def test_a_row_asks_for_everything_that_an_entry_has(path: str) -> None:
    asked = {field.path for field in FIELDS[path].row if field.path}

    assert asked == set(leaves(entry_of(path)))


@pytest.mark.parametrize("path", TABLES)
def test_the_choices_of_a_row_are_what_an_entry_can_be(path: str) -> None:
    (oneof,) = entry_of(path).oneofs

    assert {value for table, value in CHOICES if table == path} == {
        field.json_name for field in oneof.fields
    }


@pytest.mark.parametrize("path,chosen", CHOICES)
def test_a_row_with_what_it_needs_is_accepted_and_its_defaults_are_the_servers(
    path: str, chosen: FormValue
) -> None:
    taken = entry_at(spec_message(spec_of(spec_with_row(path, chosen))), path)

    for field in asked_with(path, chosen):
        held: Any = taken
        for name in field.path.split("."):
            held = held.get(name, 0) if isinstance(held, dict) else held
        wanted = CHANGES_SOMETHING.get(field.path, NEEDED.get(field.path, field.default))
        assert float(held) == pytest.approx(wanted), field.path


@pytest.mark.parametrize("path,pair", [("labels", ("team", "vision"))])
def test_a_pair_of_a_map_is_a_field_of_an_object(path: str, pair: tuple[str, str]) -> None:
    assert [field.path for field in FIELDS[path].row] == ["key", "value"]

    spec = json_format.ParseDict({"labels": dict([pair])}, pb.TrainJobSpec())

    assert dict(spec.labels) == dict([pair])


@pytest.mark.parametrize("path", MAPS)
def test_what_stands_in_a_pair_is_of_the_kind_that_the_contract_has(path: str) -> None:
    entry = entry_of(path)

    for field in FIELDS[path].row:
        is_text = entry.fields_by_name[field.path].type == FieldDescriptor.TYPE_STRING
        assert field.kind == ("text" if is_text else "integer")
