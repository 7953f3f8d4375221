"""Requests with random values are answered or refused as documented: never a bug or silence."""

import random
from collections import Counter

import grpc
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from vertebra.catalog.v1 import model_service_pb2 as models
from vertebra.catalog.v1.model_service_pb2_grpc import ModelServiceStub
from vertebra.trainer.v1 import train_job_service_pb2 as jobs
from vertebra.trainer.v1.train_job_service_pb2_grpc import TrainJobServiceStub

NUM_REQUESTS = 150
"""Of each rpc; 5,000 of them took 75 s."""

SHARES = (0.03, 0.1, 0.4)
"""Of the fields that get random values."""

REFUSALS = {
    *("INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "RESOURCE_EXHAUSTED"),
    "PERMISSION_DENIED",
}
BACKBONES = ("resnet18", "squeezenet1_1", "fcos_resnet50_fpn", "quantized_resnet18", "nope", "")
NUMBERS = (0, 1, 2, 3, -1, 32, 225, 8192, 8193, 2**31 - 1, -(2**31))
DOUBLES = (0.0, 0.5, 1.0, -1.0, float("nan"), float("inf"), 1e308)
WORDS = (
    *("", "fpn", "none", "keep", "drop", "repeat", "avg", "pooled", "fcn", "faster_rcnn", "full"),
    *("last_blocks(1)", "classification", "detection", "similar", "backbone = resnet18", "name"),
    *("\x1b[2J", "\u00e9\u2028", "a" * 5000),
)
SPEC = {"backbone": "resnet18", "classification": {"num_classes": 3}}
GOOD: dict[str, Message] = {
    "DescribeModel": models.DescribeModelRequest(spec=SPEC),
    "RenderModel": models.RenderModelRequest(
        spec=SPEC, format=models.RenderModelRequest.FORMAT_DOT
    ),
    "CheckInput": models.CheckInputRequest(spec=SPEC, height_px=64, width_px=64),
    "ListCompositions": models.ListCompositionsRequest(),
    "AdviseTransfer": models.AdviseTransferRequest(task="classification", num_images=99),
}
"""What the random values are put into."""


def some_value(field: FieldDescriptor, chance: random.Random) -> object:
    """Return a value of the field's type, likely or not."""
    if field.name in ("backbone", "architectures"):
        return chance.choice(BACKBONES)
    choices = {
        FieldDescriptor.TYPE_STRING: WORDS,
        FieldDescriptor.TYPE_BOOL: (True, False),
        FieldDescriptor.TYPE_DOUBLE: DOUBLES,
        FieldDescriptor.TYPE_ENUM: (0, 1, 2, 99),
        FieldDescriptor.TYPE_UINT64: (0, 1, 2**63, 2**64 - 1),
    }
    return chance.choice(choices.get(field.type, NUMBERS))


def fill(message: Message, chance: random.Random, share: float) -> None:
    """Set about `share` of a message's fields, and those of the messages inside it."""
    for field in message.DESCRIPTOR.fields:
        if chance.random() > share or field.name == "arguments":
            continue
        inside = getattr(message, field.name)
        if field.type == FieldDescriptor.TYPE_MESSAGE and hasattr(inside, "add"):
            fill(inside.add(), chance, share=0.7)
        elif field.type == FieldDescriptor.TYPE_MESSAGE and hasattr(inside, "SetInParent"):
            inside.SetInParent()
            fill(inside, chance, share)
        elif hasattr(inside, "keys"):
            fill_map(inside, field, chance)
        elif hasattr(inside, "extend"):
            inside.extend([some_value(field, chance) for _ in range(chance.choice((1, 2)))])
        else:
            setattr(message, field.name, some_value(field, chance))


def fill_map(inside: object, field: FieldDescriptor, chance: random.Random) -> None:
    """Put one entry of the right types into a map."""
    key, value = (field.message_type.fields_by_name[name] for name in ("key", "value"))
    inside[some_value(key, chance)] = some_value(value, chance)


def outcome(call, request: Message) -> str:
    """Return `OK`, or the status of a refusal that says why."""
    try:
        call(request, timeout=60)
    except grpc.RpcError as error:
        status = status_pb2.Status()
        metadata = dict(error.trailing_metadata())
        status.ParseFromString(metadata["grpc-status-details-bin"])
        info = error_details_pb2.ErrorInfo()
        assert any(detail.Unpack(info) for detail in status.details), error
        assert info.reason, error
        return error.code().name
    return "OK"


def outcomes_of(call, good: Message, *, seed: str) -> Counter[str]:
    """Return how many random variants of a good request ended how."""
    chance = random.Random(seed)
    outcomes: Counter[str] = Counter()
    for _ in range(NUM_REQUESTS):
        request = type(good)()
        request.CopyFrom(good)
        fill(request, chance, chance.choice(SHARES))
        found = outcome(call, request)
        assert found == "OK" or found in REFUSALS, request
        outcomes[found] += 1
    return outcomes


def good_job(world) -> Message:
    """Return a request to plan a job on eight images."""
    return jobs.PlanTrainJobRequest(spec=world.job_spec())


@pytest.mark.parametrize("name", GOOD)
def test_random_requests_are_answered_or_refused_with_a_reason(world, name):
    with grpc.insecure_channel(world.catalog.address) as channel:
        call = getattr(ModelServiceStub(channel), name)
        outcomes = outcomes_of(call, GOOD[name], seed=f"{name} 7")

    assert min(outcomes["INVALID_ARGUMENT"], outcomes["OK"]) > 0, outcomes


def test_random_jobs_are_planned_or_refused_with_a_reason(world, counted):
    with grpc.insecure_channel(world.trainer.address) as channel:
        call = TrainJobServiceStub(channel).PlanTrainJob
        outcomes = outcomes_of(call, good_job(world), seed="jobs 7")

    assert min(outcomes["INVALID_ARGUMENT"], outcomes["OK"]) > 0, outcomes
    counted(random_jobs=outcomes.total())
