"""The training form: the call that answers it, and value -> message."""

from google.protobuf.struct_pb2 import NULL_VALUE, Value

from catalog_service.serving.call import Context
from trainer_service.train_form import (
    TRAIN_FORM,
    FormChoice,
    FormCondition,
    FormField,
    FormSection,
    FormValue,
)
from vertebra.trainer.v1 import train_form_pb2 as pb
from vertebra.trainer.v1.train_job_service_pb2 import (
    GetTrainFormRequest,
    GetTrainFormResponse,
)


async def get_train_form(request: GetTrainFormRequest, context: Context) -> GetTrainFormResponse:
    """Return how a training is asked for."""
    return GetTrainFormResponse(form=form_message(TRAIN_FORM))


def form_message(sections: tuple[FormSection, ...]) -> pb.TrainForm:
    """Return the form as the contract has it."""
    return pb.TrainForm(sections=[_section(section) for section in sections])


def _section(section: FormSection) -> pb.FormSection:
    return pb.FormSection(
        id=section.id,
        label=section.label,
        help=section.help,
        fields=[_field(field) for field in section.fields],
    )


def _field(field: FormField) -> pb.FormField:
    return pb.FormField(
        path=field.path,
        label=field.label,
        help=field.help,
        kind=f"KIND_{field.kind.upper()}",
        default_value=None if field.default is None else _value(field.default),
        choices=[_choice(choice) for choice in field.choices],
        shown_when=[_condition(condition) for condition in field.shown_when],
        unit=field.unit,
        minimum=field.minimum,
        maximum=field.maximum,
        is_required=field.is_required,
        is_advanced=field.is_advanced,
        flag=field.flag,
        row=[_field(inner) for inner in field.row],
    )


def _choice(choice: FormChoice) -> pb.FormChoice:
    return pb.FormChoice(
        value=_value(choice.value), label=choice.label, help=choice.help, advice=choice.advice
    )


def _condition(condition: FormCondition) -> pb.FormCondition:
    return pb.FormCondition(
        path=condition.path, values=[_value(value) for value in condition.values]
    )


def _value(value: FormValue) -> Value:
    """Return a value as it is in JSON; None is null."""
    if value is None:
        return Value(null_value=NULL_VALUE)
    if isinstance(value, bool):
        return Value(bool_value=value)
    if isinstance(value, str):
        return Value(string_value=value)
    return Value(number_value=value)
