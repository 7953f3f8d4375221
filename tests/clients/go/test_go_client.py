"""The Go client keeps what it promises: against lying servers, breaking ways and golden samples.

What is checked is in clients/go/vertebra/*_test.go; here it is run, and what only the servers' side
can see is looked at.
"""

import re
import subprocess

import pytest

from tests.clients.go.conftest import MODULE
from tests.fakes.lying_services import (
    BLOB_LIES,
    BREAKS,
    EVENT_LIES,
    LOST,
    NUM_BEGUN_BYTES,
    UPLOAD,
    UPLOAD_REFUSALS,
)
from tests.fakes.torn_uploads import NUM_CUTS
from vertebra.watch_checker import violations
from vertebra.watch_record import read_record


def test_every_go_test_passes(go_run):
    """A skipped one would have proven nothing."""
    assert set(go_run.outcomes.values()) == {"pass"}, go_run.output


def test_every_lie_and_every_break_was_met(go_run):
    """Guards the test above: a name that Go's tests leave out would go unseen."""
    met = {name.rpartition("/")[2] for name in go_run.outcomes if "/" in name}

    assert met >= {*EVENT_LIES, *BLOB_LIES, *BREAKS, *UPLOAD_REFUSALS}
    assert {"TestGoldenSamplesAreReadAsTheyWereMeant"} <= set(go_run.outcomes)


def test_a_call_that_was_lost_on_the_way_was_made_again_with_the_same_request_id(go_run):
    flaky = go_run.services.fakes["flaky"]

    assert len(flaky.request_ids) == len(LOST) + 1
    assert len(set(flaky.request_ids)) == 1
    assert re.fullmatch(r"[0-9a-f-]{36}", flaky.request_ids[0])


def test_a_hundred_disconnects_break_none_of_the_six_guarantees(go_run):
    """What Go was told, message by message, judged by the same checker as Python's client."""
    openings = read_record(go_run.record)

    assert violations(openings, go_run.long_job.script) == []
    assert len([one for one in openings if one.messages]) > 25


def test_a_reopened_stream_asks_for_what_has_not_come(go_run):
    blobs = go_run.services.fakes["blob-break"].blobs

    assert blobs.offsets_asked[:4] == [0, 3000, 3000, 7000]


@pytest.mark.parametrize(
    ("name", "num_bytes"),
    [
        ("break", len(UPLOAD)),
        ("missed", len(UPLOAD)),
        ("begun", len(UPLOAD) - NUM_BEGUN_BYTES),
    ],
)
def test_an_upload_sends_only_what_is_missing(go_run, name, num_bytes):
    assert go_run.services.fakes[f"upload-{name}"].blobs.num_written_bytes == num_bytes


def test_an_upload_came_through_a_way_that_broke_twenty_times(go_run):
    assert go_run.uploads.proxy.num_broken == NUM_CUTS
    assert go_run.uploads.is_stored()


def test_the_code_is_formatted():
    sources = [path for path in MODULE.rglob("*.go") if not path.name.endswith(".pb.go")]

    told = subprocess.run(["gofmt", "-l", *sources], capture_output=True, text=True, check=True)

    assert len(sources) > 10
    assert told.stdout == ""
