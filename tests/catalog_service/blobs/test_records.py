"""Records are hints: the last whole one, or none."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from catalog_service.blobs.records import Records


@pytest.fixture
def records(tmp_path):
    return Records(tmp_path, "conversions")


def test_the_last_document_under_a_key_is_returned(records, tmp_path):
    records.put("a/../b", {"n": 1})
    records.put("a/../b", {"n": 2, "list": [1, None, "é"]})

    assert Records(tmp_path, "conversions").get("a/../b") == {"n": 2, "list": [1, None, "é"]}
    assert records.get("other") is None
    assert Records(tmp_path, "others").get("a/../b") is None
    assert len(list((tmp_path / "records" / "conversions").iterdir())) == 1


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"key": "other", "value": {}}', b'{"key": "k"}', b"\xff", b"[" * 9999],
)
def test_a_record_that_is_not_whole_counts_as_absent(records, tmp_path, content):
    records.put("k", {"n": 1})
    (path,) = (tmp_path / "records" / "conversions").iterdir()
    path.write_bytes(content)

    assert records.get("k") is None


def test_a_reader_never_sees_a_piece_of_a_document(records):
    documents = [{"n": n, "text": "x" * 50_000} for n in range(20)]
    records.put("k", documents[0])

    with ThreadPoolExecutor(4) as threads:
        writing = [threads.submit(records.put, "k", document) for document in documents]
        seen = [records.get("k") for _ in range(100)]
        for one in writing:
            one.result()

    assert all(document in documents for document in seen)
