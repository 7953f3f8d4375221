"""What headers say."""

import pytest

from catalog_service.weights.http.answers import (
    Linked,
    check_is_file,
    check_size,
    extent,
    is_strong,
    number,
    refused_total,
)
from catalog_service.weights.http.failures import Nonsense

SHA256 = "ab" * 32


def test_a_whole_file_begins_at_0():
    """200."""
    found = extent(200, {"Content-Length": "10"}, "u")

    assert (found.start, found.total_bytes) == (0, 10)


@pytest.mark.parametrize(
    ("text", "length", "wanted"),
    [
        ("bytes 3-9/10", "7", (3, 10)),
        ("bytes 3-9/*", "7", (3, None)),
        ("bytes 3-9/10", "", (3, 10)),
    ],
)
def test_a_part_begins_where_content_range_says(text: str, length: str, wanted: tuple[int, int]):
    """206."""
    found = extent(206, {"Content-Range": text, "Content-Length": length}, "u")

    assert (found.start, found.total_bytes) == wanted


@pytest.mark.parametrize(
    "text", ["", "bytes 3-9", "bytes 9-3/10", "bytes 3-10/10", "bytes 3-8/10", "items 3-9/10", "x"]
)
def test_a_part_whose_range_makes_no_sense_is_refused(text: str):
    """Never spliced into a file."""
    with pytest.raises(Nonsense, match="Content-Range"):
        extent(206, {"Content-Range": text, "Content-Length": "7"}, "u")


@pytest.mark.parametrize("text", ["", "-1", "1e3", "ten", "9" * 30, "1, 1"])
def test_a_count_that_is_none_is_unknown(text: str):
    """No int() of what a server says."""
    assert number({"Content-Length": text}, "Content-Length") is None


@pytest.mark.parametrize(
    ("etag", "wanted"),
    [('"a1"', True), ('""', True), ('W/"a1"', False), ("a1", False), ("", False), ('"a"b"', False)],
)
def test_only_quoted_tags_without_w_are_strong(etag: str, wanted: bool):
    """RFC 9110, section 8.8.3; a tag with line breaks would be a header of its own."""
    assert is_strong(etag) is wanted
    assert not is_strong('"a\r\nX: 1"')


@pytest.mark.parametrize("kind", ["text/html", "TEXT/HTML; charset=utf-8", "application/xhtml+xml"])
def test_a_web_page_is_no_file(kind: str):
    """A captive portal answers 200."""
    with pytest.raises(Nonsense, match="web page"):
        check_is_file({"Content-Type": kind}, "u")


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd, gzip"])
def test_a_packed_answer_is_refused(encoding: str):
    """Identity was asked for; the digest is of the file itself."""
    with pytest.raises(Nonsense, match="not asked for"):
        check_is_file({"Content-Encoding": encoding}, "u")


def test_the_first_answer_of_a_hub_counts():
    """What the content network says afterwards does not replace it."""
    hub = {"X-Linked-Size": "5", "X-Linked-Etag": f'"{SHA256}"', "X-Repo-Commit": "c" * 40}
    linked = Linked().joined(hub).joined({"X-Linked-Size": "6", "X-Repo-Commit": "d" * 40})

    assert (linked.size_bytes, linked.sha256, linked.commit) == (5, SHA256, "c" * 40)


@pytest.mark.parametrize("etag", ['"../../owned"', f'"{"g" * 64}"', "", f'"{SHA256}00"'])
def test_a_linked_tag_that_is_no_sha256_declares_none(etag: str):
    """Small files have git hashes; others have whatever a server likes."""
    assert Linked().joined({"X-Linked-Etag": etag, "X-Repo-Commit": "../x"}).sha256 == ""
    assert Linked().joined({"X-Repo-Commit": "../x"}).commit == ""


def test_a_body_of_another_size_than_declared_is_refused():
    """The hub and its content network disagree."""
    check_size(None, Linked(size_bytes=4), "u")
    check_size(4, Linked(size_bytes=4), "u")
    with pytest.raises(Nonsense, match="3 bytes where the hub declares 4"):
        check_size(3, Linked(size_bytes=4), "u")


def test_a_refused_range_may_say_the_size():
    """416."""
    assert refused_total({"Content-Range": "bytes */10"}) == 10
    assert refused_total({"Content-Range": "bytes 0-1/10"}) is None
