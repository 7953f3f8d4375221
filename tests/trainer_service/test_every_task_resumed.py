"""Every task, interrupted within an epoch and at its end: it ends where it would have ended."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from google.protobuf import json_format

from tests.fakes.interruptions import JobRun
from tests.trainer_service.test_every_task import (
    HEADS,
    NUM_EPOCHS,
    Workshop,
    open_workshop,
    wire_spec,
)
from trainer_service.jobs import EpochMetrics, JobEvent, PhaseStarted
from vertebra.trainer.v1 import train_job_pb2 as pb

pytestmark = [pytest.mark.full, pytest.mark.timeout(1800)]

GRADUAL = {"gradual": {"steps": [{"afterSteps": 5, "numBlocks": 1}, {"afterEpochs": 2}]}}
FREEZES = {
    "full": {"full": {}},
    "frozen": {"frozenBackbone": {}},
    "gradual": GRADUAL,
}

UNTRAINED_WHOLE = ("simclr",)
"""Tasks that train no head: a frozen backbone leaves them nothing to learn."""

CASES = [
    (kind, freeze)
    for kind in HEADS
    for freeze in FREEZES
    if not (kind in UNTRAINED_WHOLE and freeze != "full")
]


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with open_workshop(tmp_path_factory.mktemp("resumed_tasks")) as workshop:
        yield workshop


def message_of(kind: str, freeze: str) -> pb.TrainJobSpec:
    """Return the spec of a task under a freeze mode; SimCLR adds up parts of its batches."""
    fields = json_format.MessageToDict(wire_spec(kind))
    fields["freeze"] = FREEZES[freeze]
    fields["model"]["allowFrozenRandom"] = True
    if kind == "simclr":
        fields["microBatchSize"] = 5
    return json_format.ParseDict(fields, pb.TrainJobSpec())


def numbers(events: list[JobEvent]) -> list[str]:
    """Return what was measured of every epoch, and the phases."""
    return [repr(each) for each in events if isinstance(each, EpochMetrics | PhaseStarted)]


def digests(run: JobRun) -> list[tuple[str, str]]:
    """Return those of what was exported."""
    return [(each.state_digest, each.backbone_digest) for each in run.exports]


@pytest.mark.parametrize(("kind", "freeze"), CASES)
def test_a_task_ends_where_it_would_have_ended(
    workshop: Workshop, tmp_path: Path, kind: str, freeze: str
) -> None:
    order, plan = workshop.ordered(kind, message_of(kind, freeze))
    per_epoch = plan.num_steps_per_epoch
    kept = replace(order, snapshots_folder=str(tmp_path / "snapshots"))
    interrupted = JobRun(replace(kept, export_dir=str(tmp_path / "one")))
    whole = JobRun(replace(order, export_dir=str(tmp_path / "other")))

    interrupted.attempt(1, leave_after=per_epoch + 1)
    interrupted.attempt(2, leave_after=per_epoch * (NUM_EPOCHS - 1))
    interrupted.attempt(3)
    whole.attempt(1)

    assert digests(interrupted) == digests(whole)
    assert numbers(interrupted.events) == numbers(whole.events)
