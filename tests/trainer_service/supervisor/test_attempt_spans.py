"""Spans of jobs and attempts, over crashes: one trace, each span once, and nothing that they could
hold up."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from tests.fakes.stored_jobs import HOST, cancel, new_job, resume
from trainer_service.jobs import JobState, RunSpec
from trainer_service.jobs.trace import (
    SPANS_FILE,
    WorkSpan,
    begun_again,
    format_span_line,
    job_trace,
    trace_below,
)
from trainer_service.supervisor.attempt_spans import send_all_lost, send_unheld
from vertebra.tracing import FinishedSpan

TRACE, CALL = "1" * 32, "2" * 16
TRACEPARENT = f"00-{TRACE}-{CALL}-03"


class Kept:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[FinishedSpan] = []
        self.began: list[tuple[str, str]] = []
        self.error: Exception | None = None

    def send(self, span: FinishedSpan) -> None:
        if self.error is not None:
            raise self.error
        self.sent.append(span)

    @contextmanager
    def span(self, name: str, traceparent: str = "") -> Iterator[None]:
        self.began.append((name, traceparent))
        yield


@pytest.fixture
def kept(bench):
    kept = Kept()
    bench.rooms = replace(bench.rooms, tracing=kept)
    return kept


def create(bench, run: RunSpec | None = None) -> str:
    new = replace(new_job(), trace=trace_below(TRACEPARENT))
    new = replace(new, spec=replace(new.spec, run=run or RunSpec()))
    return bench.store.create_job(new).job.job_id


def run(bench, job_id: str) -> None:
    """Take a job to its end, and wait until its supervisor is done with it."""

    async def supervise() -> None:
        async with bench.supervising() as supervisor:
            await bench.until_final(job_id)
            await bench.until(lambda: not supervisor._followed)

    asyncio.run(supervise())


def test_two_attempts_are_below_one_job_which_is_below_the_call(bench, kept):
    bench.worker_does(ends=["crash", "finished"])
    job_id = create(bench, RunSpec(max_failures=1))

    run(bench, job_id)

    first, second, job = kept.sent
    assert {span.trace_id for span in kept.sent} == {TRACE}
    assert [span.name for span in kept.sent] == ["attempt", "attempt", "job"]
    assert first.parent_id == second.parent_id == job.span_id
    assert (first.span_id != second.span_id, job.parent_id) == (True, CALL)
    assert [bool(span.error) for span in kept.sent] == [True, False, False]
    assert job.start_s <= first.start_s <= first.end_s <= second.start_s <= job.end_s
    assert kept.began[0] == ("prepare", f"00-{TRACE}-{first.span_id}-01")
    assert [name for name, _ in kept.began] == ["prepare", "prepare", "store export"]


def test_what_the_worker_wrote_is_sent_and_what_it_did_not_end_is_an_error(bench, kept):
    bench.worker_does(steps=3, waits={"2": "go"})
    job_id = create(bench)
    folder = bench.rooms.attempt_folder(job_id, 1)
    begun = WorkSpan(span_id="3" * 16, parent_id="4" * 16, name="train", start_s=1.0)

    async def scenario() -> None:
        async with bench.supervising() as supervisor:
            await bench.until_running(job_id)
            done = replace(begun, span_id="5" * 16, name="check data", end_s=2.0)
            lines = format_span_line(begun) + format_span_line(done)
            (folder / SPANS_FILE).write_bytes(lines)
            await bench.until(lambda: [span.name for span in kept.sent] == ["check data"])
            (folder / "go").touch()
            await bench.until_final(job_id)
            await bench.until(lambda: not supervisor._followed)

    asyncio.run(scenario())

    assert [span.name for span in kept.sent] == ["check data", "train", "attempt", "job"]
    assert kept.sent[0].service == kept.sent[1].service == "vertebra-worker"
    assert (kept.sent[0].error, bool(kept.sent[1].error)) == ("", True)


def test_a_trace_that_cannot_be_sent_is_no_trouble_of_the_job(bench, kept):
    kept.error = RuntimeError("the queue is gone")
    job_id = create(bench)

    run(bench, job_id)

    assert bench.store.find_job(job_id).state.value == "succeeded"


def test_a_job_of_a_caller_without_a_trace_has_no_spans(bench, kept):
    run(bench, bench.create())

    assert (kept.sent, kept.began) == ([], [])


@pytest.mark.parametrize("given", ["", "nonsense", f"00-{'0' * 31}-{CALL}-01", f"{TRACEPARENT}-x"])
def test_what_is_no_traceparent_begins_no_trace(given):
    assert trace_below(given) == ""


def test_a_job_that_begins_again_has_a_span_of_its_own_in_the_same_trace(bench):
    job_id = create(bench)
    before = job_trace(bench.store.find_job(job_id).trace)
    cancel(bench.store, job_id)

    resume(bench.store, job_id)

    after = job_trace(bench.store.find_job(job_id).trace)
    assert (after.trace_id, after.parent_id) == (before.trace_id, before.parent_id)
    assert after.span_id != before.span_id
    assert begun_again("") == ""


def test_a_job_that_ended_while_nobody_held_it_has_its_span(bench, kept):
    job_id = create(bench)
    cancel(bench.store, job_id)
    cancelled = bench.store.find_job(job_id)

    async def scenario() -> None:
        await send_unheld(kept, cancelled)
        await send_unheld(None, cancelled)

    asyncio.run(scenario())

    (job,) = kept.sent
    assert (job.name, job.trace_id, job.parent_id) == ("job", TRACE, CALL)
    assert job.attributes["vertebra.job.state"] == JobState.CANCELLED.value
    assert job.error == ""


def test_what_a_lost_hosts_worker_wrote_is_sent_where_its_files_are_seen(bench, kept):
    """Once: what the host itself had sent already is not sent again."""
    job_id = create(bench)
    run(bench, job_id)
    attempt = bench.store.attempt(job_id)
    folder = bench.rooms.attempt_folder(job_id, attempt.number)
    kept.sent.clear()
    ended = WorkSpan(span_id="a" * 16, parent_id="b" * 16, name="train", start_s=1.0, end_s=2.0)
    begun = WorkSpan(span_id="c" * 16, parent_id="b" * 16, name="validate", start_s=2.0)
    with (folder / SPANS_FILE).open("ab") as file:
        file.write(format_span_line(ended) + format_span_line(begun))

    asyncio.run(send_all_lost(bench.rooms, [job_id]))

    told = {span.name: span.error for span in kept.sent}
    assert told["train"] == ""
    assert told["validate"] == "the worker ended in the middle of it"
    assert told["attempt"] == "host_lost"
    assert "job" in told, "the loss was its end"
    assert len(kept.sent) == 4


def test_a_job_that_waits_again_after_its_host_was_lost_is_not_over(bench, kept):
    job_id = create(bench)
    bench.store.claim(job_id, HOST, 0.001)
    assert bench.store.take_over("another host", -60.0) == [job_id]

    asyncio.run(send_all_lost(bench.rooms, [job_id]))

    assert [span.name for span in kept.sent] == ["attempt"]


def test_a_job_that_was_to_be_cancelled_when_its_host_was_lost_is_over(bench, kept):
    job_id = create(bench)
    bench.store.claim(job_id, HOST, 0.001)
    cancel(bench.store, job_id)
    assert bench.store.take_over("another host", -60.0) == [job_id]

    asyncio.run(send_all_lost(bench.rooms, [job_id]))

    told = {span.name: span.attributes for span in kept.sent}
    assert told["job"]["vertebra.job.state"] == JobState.CANCELLED.value
