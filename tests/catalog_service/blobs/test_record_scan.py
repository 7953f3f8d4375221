"""All records are seen, and each is read once while it is the same."""

import pytest

from catalog_service.blobs.record_scan import RecordScan
from catalog_service.blobs.records import Record, Records


@pytest.fixture
def records(tmp_path):
    return Records(tmp_path, "conversions")


class Reading:
    """Picks `n`, and counts."""

    def __init__(self):
        self.num_reads = 0

    def __call__(self, record: Record):
        self.num_reads += 1
        return record.value.get("n")


def test_all_records_are_seen_also_those_of_other_processes(records, tmp_path):
    scan = RecordScan(records, Reading())
    assert scan.all() == []
    records.put("a", {"n": 1})
    Records(tmp_path, "conversions").put("b", {"n": 2})

    assert sorted(scan.all()) == [1, 2]


def test_a_record_is_read_again_only_after_it_changed(records):
    reading = Reading()
    scan = RecordScan(records, reading)
    records.put("a", {"n": 1})
    records.put("b", {"n": 2})
    scan.all()

    scan.all()
    assert reading.num_reads == 2

    records.put("a", {"n": 3})
    assert sorted(scan.all()) == [2, 3]
    assert reading.num_reads == 3


def test_what_is_forgotten_torn_or_foreign_is_passed_over(records):
    records.put("a", {"n": 1})
    records.put("b", {"other": 2})
    records.put("c", {"n": 3})
    (records.folder / "torn.json").write_text('{"key": "d", "val')
    (records.folder / "list.json").write_text("[]")
    records.remove("c")
    records.remove("never there")

    assert RecordScan(records, Reading()).all() == [1]
