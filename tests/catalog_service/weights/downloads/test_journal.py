"""Whose bytes may follow which. A case a row: what is here, who is asked, where it goes on."""

import dataclasses

import pytest

from catalog_service.weights.downloads.journal import (
    Continuation,
    Journal,
    continuation,
    decoded,
    digest_of_url,
)
from catalog_service.weights.downloads.owner import this_process
from catalog_service.weights.wanted_file import WantedFile

URL = "https://mirror.example/x.pth?token=secret"
OTHER = "https://origin.example/x.pth"
PIN = "ab" * 32
NAMED = Journal(url_digest=digest_of_url(URL), etag='"v1"', total_bytes=1000, realm="boot")
UNNAMED = dataclasses.replace(NAMED, etag="")


def go_on(journal=NAMED, *, size=600, url=URL, realm="boot", **known):
    file = WantedFile(reference="r", file_name="x.pth", **known)
    return continuation(journal, size, url, file, realm)


def test_the_same_server_goes_on_if_its_file_has_the_same_strong_etag():
    assert go_on() == Continuation(start=600, etag='"v1"')


def test_a_weak_etag_promises_nothing():
    assert go_on(dataclasses.replace(NAMED, etag='W/"v1"')).start == 0


def test_without_an_etag_the_published_digits_prove_the_whole():
    assert go_on(UNNAMED, sha256_prefix="abababab") == Continuation(start=600)


def test_without_an_etag_and_a_pin_it_begins_again_and_says_why():
    assert go_on(UNNAMED) == Continuation(
        start=0, why="the server names no version, and nothing proves the whole"
    )


@pytest.mark.parametrize("known", [{"sha256": PIN}, {}])
def test_another_server_goes_on_if_the_whole_digest_is_known(known):
    journal = dataclasses.replace(NAMED, sha256="" if known else PIN)

    assert go_on(journal, url=OTHER, **known) == Continuation(start=600)


def test_another_server_begins_again_where_only_a_few_digits_are_known():
    found = go_on(url=OTHER, sha256_prefix="abababab")

    assert (found.start, found.why.split(",")[0]) == (0, "another server is asked")


def test_bytes_of_another_file_are_no_beginning_of_this_one():
    assert go_on(dataclasses.replace(NAMED, sha256="cd" * 32), sha256=PIN).start == 0


def test_after_a_power_cut_unproven_bytes_are_not_trusted():
    """The size of a file can reach the disk before its bytes do."""
    assert go_on(realm="another boot").start == 0
    assert go_on(realm="another boot", sha256_prefix="abababab").start == 600


def test_the_last_byte_of_a_whole_file_is_asked_for_again():
    assert go_on(size=1000) == Continuation(start=999, etag='"v1"')


def test_more_bytes_than_the_file_has_are_cut():
    assert go_on(size=5000).start == 999


def test_nothing_is_known_before_the_first_answer():
    assert go_on(Journal()) == Continuation(start=0)
    assert go_on(size=0) == Continuation(start=0)


def test_a_journal_comes_back_as_it_was_written():
    journal = dataclasses.replace(NAMED, owner=this_process(), sha256=PIN, commit="c0ffee")

    assert decoded(journal.encoded()) == journal


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"owner": 1, "other": 2}', b"\xff"])
def test_a_torn_journal_is_none(content):
    assert decoded(content) is None


def test_a_journal_does_not_keep_the_secrets_of_a_url():
    assert b"secret" not in NAMED.encoded() and b"mirror.example" not in NAMED.encoded()
