"""ModelSpec and its tasks: message <-> value."""

from dataclasses import fields
from typing import Any

from catalog_service.model_wire.plain_struct import plain_of, struct_of
from catalog_service.models.spec import ModelSpec
from catalog_service.models.tasks import TASKS, Task
from vertebra.model.v1 import model_spec_pb2

_PLAIN = tuple(
    field.name
    for field in fields(ModelSpec)
    if field.name not in ("pretrained", "freeze_backbone", "task", "remove_modules", "arguments")
)
"""Fields that are the same on both sides."""


def spec_from_message(message: model_spec_pb2.ModelSpec) -> ModelSpec:
    """Return the spec that a message asks for; `check(spec)` finds what is wrong with it."""
    plain: dict[str, Any] = {name: getattr(message, name) for name in _PLAIN}
    return ModelSpec(
        **plain,
        pretrained=message.pretrained if message.HasField("pretrained") else None,
        freeze_backbone=message.freeze_backbone if message.HasField("freeze_backbone") else None,
        remove_modules=tuple(message.remove_modules),
        arguments=plain_of(message.arguments),
        task=_task_from(message),
    )


def spec_to_message(spec: ModelSpec) -> model_spec_pb2.ModelSpec:
    """Return the message of a spec; optional fields stay absent where the spec has None."""
    message = model_spec_pb2.ModelSpec(
        **{name: getattr(spec, name) for name in _PLAIN}, remove_modules=spec.remove_modules
    )
    if spec.arguments:
        message.arguments.CopyFrom(struct_of(spec.arguments))
    if spec.pretrained is not None:
        message.pretrained = spec.pretrained
    if spec.freeze_backbone is not None:
        message.freeze_backbone = spec.freeze_backbone
    if spec.task is not None:
        inner = getattr(message, spec.task.kind)
        inner.SetInParent()
        for name, value in _fields_of(spec.task).items():
            if isinstance(value, tuple):
                getattr(inner, name).extend(value)
            elif value is not None:
                setattr(inner, name, value)
    return message


def _task_from(message: model_spec_pb2.ModelSpec) -> Task | None:
    kind = message.WhichOneof("task")
    if kind is None:
        return None
    inner = getattr(message, kind)
    values = {
        name: _value_of(inner, name, default) for name, default in _fields_of(TASKS[kind]()).items()
    }
    return TASKS[kind](**values)


def _fields_of(task: Task) -> dict[str, Any]:
    return {field.name: getattr(task, field.name) for field in fields(task) if field.name != "kind"}


def _value_of(inner: Any, name: str, default: object) -> Any:
    """Return a field as the dataclass has it: tuples, and None for an absent optional one."""
    if default is None and not inner.HasField(name):
        return None
    value = getattr(inner, name)
    return tuple(value) if isinstance(default, tuple) else value
