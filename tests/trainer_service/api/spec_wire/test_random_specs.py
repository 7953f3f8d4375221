"""Specs with random values: read and written back to the same, or refused with every field."""

import math
import random

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from catalog_service.errors import InvalidRequest
from catalog_service.models.plain_json import from_plain, to_plain
from trainer_service.api.spec_wire import spec_message, spec_of
from trainer_service.jobs import JobSpec
from vertebra.trainer.v1 import train_job_pb2 as pb

NUM_SPECS = 1500
INTEGERS = (1, 2, 3, 100, -1, 2**31 - 1)
DOUBLES = (0.5, 1.0, 0.1, -1.0, 3.0, math.nan, math.inf)
LABELS = ("team", "vision/a-b_c.9", "", "no spaces", "x" * 64)
WORDS = ("/data", "s3://bucket/x", "relative", "bilinear", "accuracy", "loss", "layer4", "**.bias")
VALUES = {
    FieldDescriptor.TYPE_STRING: WORDS,
    FieldDescriptor.TYPE_BOOL: (True, False),
    FieldDescriptor.TYPE_DOUBLE: DOUBLES,
    FieldDescriptor.TYPE_ENUM: (1, 2, 3, 99),
    FieldDescriptor.TYPE_UINT64: (1, 2**63, 2**64 - 1),
}


def fill(message: Message, chance: random.Random, share: float) -> None:
    """Set about `share` of a message's fields, and those of the messages inside it."""
    for field in message.DESCRIPTOR.fields:
        if chance.random() > share or field.name in ("model", "classes_of_values"):
            continue
        inside = getattr(message, field.name)
        if field.type == FieldDescriptor.TYPE_MESSAGE and hasattr(inside, "add"):
            fill(inside.add(), chance, share=0.7)
        elif field.name == "labels":
            inside[chance.choice(LABELS)] = chance.choice(LABELS)
        elif field.type == FieldDescriptor.TYPE_MESSAGE:
            inside.SetInParent()
            fill(inside, chance, share=0.5)
        elif hasattr(inside, "extend"):
            inside.extend([chance.choice(VALUES.get(field.type, INTEGERS))])
        else:
            setattr(message, field.name, chance.choice(VALUES.get(field.type, INTEGERS)))


def some_spec(seed: int) -> pb.TrainJobSpec:
    """Return a spec that is good but for a few random fields."""
    chance = random.Random(seed)
    spec = pb.TrainJobSpec()
    fill(spec, chance, share=chance.choice((0.05, 0.1, 0.3)))
    spec.model.backbone = "resnet18"
    tasks = ("classification", "segmentation", "detection", "regression", "keypoints")
    if chance.random() < 0.5:
        getattr(spec.model, chance.choice(tasks)).SetInParent()
    if spec.dataset.WhichOneof("source") is None:
        spec.dataset.bundled_digits.SetInParent()
    if not spec.num_epochs and not spec.num_steps:
        spec.num_epochs = 2
    return spec


def test_random_specs_come_back_the_same_or_are_refused_by_field() -> None:
    num_read = 0
    for seed in range(NUM_SPECS):
        message = some_spec(seed)
        try:
            spec = spec_of(message)
        except InvalidRequest as error:
            assert error.violations, message
            assert all(one.field.startswith("spec.") for one in error.violations), error
            continue
        num_read += 1
        written = spec_message(spec)
        assert spec_of(written) == spec, message
        assert spec_message(spec_of(written)) == written, message
        assert from_plain(JobSpec, to_plain(spec)) == spec, message
    assert NUM_SPECS / 5 < num_read < NUM_SPECS


WHOLE = {
    "displayName": "all of it",
    "validationEveryEpochs": 3,
    "model": {"backbone": "resnet18", "segmentation": {"numClasses": 3}},
    "freeze": {
        "gradual": {
            "steps": [
                {"afterSteps": "5", "numBlocks": 1, "lrScale": 0.5},
                {"afterPlateauEpochs": 2, "numBlocks": 0, "lrScale": 0.1},
            ]
        },
        "norm": "NORM_POLICY_RECALIBRATE",
    },
    "dataset": {
        "imageMaskPairs": {
            "imagesPath": "/d/i",
            "masksPath": "/d/m",
            "classesOfValues": {"255": 1},
        },
        "validationRatio": 0.25,
        "splitSeed": "3",
        "dataRatio": 0.5,
        "maxUnusableRatio": 0.125,
    },
    "optimizer": {
        "algorithm": "ALGORITHM_LARS",
        "lr": 0.3,
        "weightDecay": 1e-6,
        "momentum": 0.9,
        "lrRule": "LR_RULE_PER_256_IMAGES",
        "backboneLrRatio": 0.5,
        "layerDecay": 0.75,
    },
    "numSteps": "9",
    "batchSize": 16,
    "microBatchSize": 8,
    "seed": "4",
    "export": {"registerAs": "letters", "note": "n", "state": "STATE_BEST"},
    "loss": {
        "kind": "KIND_CROSS_ENTROPY",
        "labelSmoothing": 0.1,
        "classWeights": {"rule": "RULE_EXPLICIT", "weights": [1.0, 2.0, 3.0]},
        "ignoreIndex": 254,
    },
    "schedule": {"kind": "KIND_COSINE", "warmupSteps": "2", "finalLrRatio": 0.01},
    "earlyStopping": {"metric": "iou", "patienceEpochs": 3, "minDelta": 0.001},
    "maxGradNorm": 1.0,
    "precision": "PRECISION_BF16",
    "compile": "COMPILE_POLICY_WHERE_IT_PAYS",
    "preprocessing": {
        "fit": "FIT_CROP",
        "resizeShorterSidePx": 40,
        "interpolation": "bicubic",
        "mean": [0.5, 0.25, 0.125],
        "std": [1.0, 0.5, 0.25],
    },
    "augmentationSteps": [
        {"randomResizedCrop": {"minScale": 0.5, "maxScale": 1, "minRatio": 1, "maxRatio": 2}},
        {"verticalFlip": {"probability": 0.25}},
        {"rotation": {"maxDegrees": 15}},
        {"gaussianBlur": {"probability": 0.5, "minSigmaPx": 0.5, "maxSigmaPx": 1}},
    ],
    "featureCache": {"policy": "POLICY_REQUIRED", "numViews": 4},
    "labels": {"owner": "", "team": "vision"},
    "run": {
        "priority": -7,
        "numDevices": 2,
        "engine": "ENGINE_RAY",
        "maxFailures": 0,
        "maxPreemptions": 3,
        "timeLimit": "3600s",
        "snapshotInterval": "1.500s",
    },
}


def test_a_spec_that_says_everything_comes_back_word_for_word() -> None:
    message = json_format.ParseDict(WHOLE, pb.TrainJobSpec())
    written = spec_message(spec_of(message))
    written.model.ClearField("pretrained")

    assert json_format.MessageToDict(written) == json_format.MessageToDict(message)


@pytest.mark.parametrize("field", pb.TrainJobSpec.DESCRIPTOR.fields_by_name)
def test_no_field_of_the_contract_is_ignored(field: str) -> None:
    """Of every field there is a value that changes the spec, or that is refused."""
    if field in ("num_epochs", "model", "dataset"):
        return
    plain = pb.TrainJobSpec(num_epochs=2)
    plain.model.backbone = "resnet18"
    plain.dataset.bundled_digits.SetInParent()
    before = spec_of(plain)

    answers = [_answer(plain, field, seed) for seed in range(20)]

    assert any(answer != before for answer in answers)


def _answer(plain: pb.TrainJobSpec, field: str, seed: int) -> object:
    changed, chance = pb.TrainJobSpec(), random.Random(seed)
    changed.CopyFrom(plain)
    filled = pb.TrainJobSpec()
    while not filled.ListFields():
        fill(filled, chance, share=1.0)
    for each in pb.TrainJobSpec.DESCRIPTOR.fields_by_name:
        if each != field:
            filled.ClearField(each)
    changed.MergeFrom(filled)
    try:
        return spec_of(changed)
    except InvalidRequest:
        return "refused"
