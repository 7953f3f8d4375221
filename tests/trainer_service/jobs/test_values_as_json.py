"""Everything that crosses a process border comes back equal."""

import json

import pytest

from catalog_service.models.plain_json import MalformedJson, from_plain, to_plain
from tests.fakes.job_values import epoch_metrics, job_model, job_spec, planned, step
from tests.fakes.stored_jobs import snapshot
from trainer_service.jobs import (
    AttemptEnded,
    Cancelled,
    ClassCount,
    ClassEvaluation,
    DataChecked,
    DataReport,
    DatasetSpec,
    Evaluated,
    Evaluation,
    ExitClass,
    Export,
    Exported,
    ExportFile,
    Failed,
    Finished,
    JobFailure,
    JobMessage,
    JobSpec,
    JobState,
    JobWarning,
    Leak,
    ModelReady,
    Paused,
    PhaseStarted,
    Preempted,
    RolledBack,
    SnapshotFailed,
    SpoolLine,
    StateChanged,
    UnusableImage,
    WorkerIdentity,
    WorkOrder,
    format_spool_line,
    parse_spool_line,
    read_identity,
    read_order,
    write_identity,
    write_order,
)
from trainer_service.jobs.events import EVENT_KINDS

EXPORT = Export(
    architecture_id="resnet18",
    backbone_digest="sha256:1",
    state_digest="sha256:2",
    files=(ExportFile(kind="backbone_safetensors", path="/x/backbone.safetensors"),),
    metrics={"validation/accuracy": 0.5},
)
EVALUATION = Evaluation(
    metrics={"accuracy": 0.5},
    classes=(ClassEvaluation(name="cat", metrics={"f1": 0.25}, num_true=3),),
    confusion=(1, 2, 3, 4),
    num_images=10,
)
REPORT = DataReport(
    num_train_images=8,
    num_validation_images=2,
    classes=(ClassCount(name="cat", num_train_images=4, num_validation_images=1),),
    unusable=(UnusableImage(path="/x/a.png", reason="truncated"),),
    num_unusable=1,
    leaks=(Leak(train_path="/x/b.png", validation_path="/x/c.png", is_identical=True),),
    num_leaks=1,
    mean=(0.5, 0.25, 0.125),
    std=(0.5, 0.25, 0.125),
    fingerprint="sha256:3",
    warnings=("w",),
)
EVENTS = [
    StateChanged(
        from_state=JobState.RUNNING,
        to_state=JobState.FAILED,
        reason="why",
        failure=JobFailure(reason="DATA_INVALID", message="m"),
    ),
    StateChanged(from_state=None, to_state=JobState.QUEUED),
    ModelReady(model=job_model()),
    planned(),
    step(3),
    epoch_metrics(1, 0.75),
    JobWarning(code="c", text="t"),
    JobMessage(text="t"),
    Exported(export=EXPORT),
    DataChecked(report=REPORT),
    PhaseStarted(
        phase=2,
        reason="after 3 epochs",
        freeze=planned().plan.freeze,
        optimizer_groups=planned().plan.optimizer_groups,
    ),
    Evaluated(epoch=2, evaluation=EVALUATION),
    Finished(exports=(EXPORT,)),
    Failed(reason="R", message="m"),
    Failed(reason="R", message="m", exit_class=ExitClass.DISK_FULL),
    Cancelled(),
    snapshot(2, 1500, is_best=True),
    SnapshotFailed(reason="DISK_FULL", message="m", control_number=3),
    RolledBack(to_step=1500, to_epoch=2, num_lost_steps=17),
    AttemptEnded(number=2, exit_class=ExitClass.HUNG, detail="d"),
    Paused(step=1500),
    Preempted(is_saved=True, message="m"),
]


def test_the_table_of_examples_has_every_kind():
    assert {type(event) for event in EVENTS} == set(EVENT_KINDS.values())


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_a_spool_line_reads_back_equal(event):
    line = SpoolLine(index=7, time=12.5, event=event)

    text = format_spool_line(line)

    assert text.count(b"\n") == 1
    assert text.endswith(b"\n")
    assert parse_spool_line(text) == line


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b'{"index":0,"time":1,"kind":"nonsense","data":{}}', b"\xff\xfe"]
)
def test_what_is_no_spool_line_is_refused(text):
    with pytest.raises(MalformedJson):
        parse_spool_line(text)


def test_a_spec_reads_back_equal_through_text():
    spec = job_spec(register_as="letters")

    assert from_plain(JobSpec, json.loads(json.dumps(to_plain(spec)))) == spec


def test_numbers_stay_numbers_as_keys():
    """JSON has text there; a mask's values are looked up as numbers."""
    dataset = DatasetSpec(kind="image_mask_pairs", classes_of_values={255: 1, 0: 0})

    assert from_plain(DatasetSpec, json.loads(json.dumps(to_plain(dataset)))) == dataset
    with pytest.raises(MalformedJson, match="key 'x' is not a number"):
        from_plain(DatasetSpec, to_plain(dataset) | {"classes_of_values": {"x": 1}})


def test_an_unknown_field_is_refused():
    data = to_plain(job_spec()) | {"num_epoch": 3}

    with pytest.raises(MalformedJson, match="num_epoch"):
        from_plain(JobSpec, data)


def test_an_order_and_an_identity_read_back_equal(tmp_path):
    order = WorkOrder(
        job_id="ab",
        attempt=1,
        nonce="n",
        spec=job_spec(),
        model=job_model(),
        export_dir="/x",
        num_threads=2,
        allowed_roots=("/data",),
        features_folder="/f",
        features_budget_bytes=3,
        run_folder="/r",
    )
    identity = WorkerIdentity(pid=4, start_time=1.5, nonce="n")

    write_order(tmp_path, order)
    write_identity(tmp_path, identity)

    assert read_order(tmp_path) == order
    assert read_identity(tmp_path) == identity


def test_nobody_works_in_an_empty_folder(tmp_path):
    assert read_identity(tmp_path) is None
