"""The form as clients get it."""

from typing import Any

from google.protobuf import json_format

from trainer_service.train_form import TRAIN_FORM, FormField
from vertebra.trainer.v1 import train_job_service_pb2 as pb


def as_values(field: dict[str, Any]) -> tuple[Any, ...]:
    """Return what a field of the answer says, in the words of ours."""
    choices = [(choice.get("value"), choice["label"]) for choice in field.get("choices", ())]
    shown = [(one["path"], tuple(one["values"])) for one in field.get("shownWhen", ())]
    kind = field["kind"].removeprefix("KIND_").lower()
    default = field.get("defaultValue")
    return field["path"], kind, default, choices, shown, field.get("isRequired", False)


def of_ours(field: FormField) -> tuple[Any, ...]:
    """Return the same of a value."""
    choices = [(choice.value, choice.label) for choice in field.choices]
    shown = [(one.path, one.values) for one in field.shown_when]
    return field.path, field.kind, field.default, choices, shown, field.is_required


def test_the_form_that_is_served_is_the_one_that_is_written(trainer) -> None:
    answer = trainer.stub.GetTrainForm(pb.GetTrainFormRequest())
    plain = json_format.MessageToDict(answer)["form"]["sections"]

    assert [section["id"] for section in plain] == [section.id for section in TRAIN_FORM]
    assert [as_values(field) for section in plain for field in section["fields"]] == [
        of_ours(field) for section in TRAIN_FORM for field in section.fields
    ]
