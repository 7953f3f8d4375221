"""Everything that crosses a process border comes back equal."""

import json

import pytest

from catalog_service.models.plain_json import MalformedJson, from_plain, to_plain
from tests.fakes.job_values import epoch_metrics, job_model, job_spec, planned, step
from trainer_service.jobs import (
    Cancelled,
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
    ModelReady,
    SpoolLine,
    StateChanged,
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
    Finished(exports=(EXPORT,)),
    Failed(reason="R", message="m"),
    Cancelled(),
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
    )
    identity = WorkerIdentity(pid=4, start_time=1.5, nonce="n")

    write_order(tmp_path, order)
    write_identity(tmp_path, identity)

    assert read_order(tmp_path) == order
    assert read_identity(tmp_path) == identity


def test_nobody_works_in_an_empty_folder(tmp_path):
    assert read_identity(tmp_path) is None
