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

NUM_REQUESTS = 150
"""Of each rpc; 5,000 of them took 75 s."""

REFUSALS = {"INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "RESOURCE_EXHAUSTED"}
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
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            inside.SetInParent()
            fill(inside, chance, share)
        elif hasattr(inside, "extend"):
            inside.extend([some_value(field, chance) for _ in range(chance.choice((1, 2)))])
        else:
            setattr(message, field.name, some_value(field, chance))


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


@pytest.mark.parametrize("name", GOOD)
def test_random_requests_are_answered_or_refused_with_a_reason(world, name):
    chance = random.Random(f"{name} 7")
    outcomes: Counter[str] = Counter()
    with grpc.insecure_channel(world.catalog.address) as channel:
        call = getattr(ModelServiceStub(channel), name)
        for _ in range(NUM_REQUESTS):
            request = type(GOOD[name])()
            request.CopyFrom(GOOD[name])
            fill(request, chance, chance.choice((0.03, 0.1, 0.4)))
            found = outcome(call, request)
            assert found == "OK" or found in REFUSALS, request
            outcomes[found] += 1

    assert min(outcomes["INVALID_ARGUMENT"], outcomes["OK"]) > 0, outcomes
