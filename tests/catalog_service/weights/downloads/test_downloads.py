"""What arrives is kept; what cannot belong together is not mixed; what fails says why."""

import hashlib
import json
import os
import time

import pytest

from catalog_service.blobs.disk import DiskFull
from catalog_service.weights.http.failures import (
    Nonsense,
    NotThere,
    ServerTrouble,
    Unreachable,
)
from tests.catalog_service.weights.downloads.conftest import DATA, PATH, SHA256
from tests.fakes import faults
from tests.fakes.faulty_origin import faulty_origin

OTHER_DATA = bytes(reversed(DATA))


def starts(origin):
    """Return where each answered request began."""
    answered = [get for get in origin.gets(PATH) if get.status in {200, 206}]
    return [int(get.range.removeprefix("bytes=").rstrip("-") or 0) for get in answered]


def interrupt(site, origin, at, **known):
    """Have an attempt fail with so many bytes here."""
    origin.fault(PATH, faults.truncate(at), faults.status(404))
    with pytest.raises(NotThere):
        site.fetch(**known)
    assert site.left() == [at]


def test_a_file_arrives_whole_and_hashed(site, origin):
    found = site.fetch()

    assert (found.sha256, found.size_bytes) == (SHA256, len(DATA))
    assert found.path.read_bytes() == DATA
    assert found.etag == origin.gets(PATH)[0].headers.get("etag", found.etag) != ""
    assert origin.bodies(PATH) == 1


def test_a_discarded_file_leaves_nothing(site):
    found = site.fetch()

    site.downloads.discard(found)

    assert list((site.folder / "downloads").iterdir()) == []


def test_a_file_that_was_moved_away_can_be_discarded(site):
    found = site.fetch()
    found.path.rename(site.folder / "quarantined")

    site.downloads.discard(found)

    assert list((site.folder / "downloads").iterdir()) == []


@pytest.mark.parametrize("cut", [faults.truncate(1_000_000), faults.reset(1_000_000)])
def test_a_cut_connection_goes_on_where_it_was_cut(site, origin, cut):
    origin.fault(PATH, cut)

    assert site.fetch().sha256 == SHA256
    assert starts(origin)[0] == 0 and 0 < starts(origin)[1] <= 1_000_000
    assert "trying again" in site.texts


def test_any_number_of_cuts_is_fine_while_something_new_comes(site, origin):
    origin.fault(PATH, *[faults.truncate(200_000)] * 10)

    assert site.fetch().sha256 == SHA256
    assert starts(origin) == [200_000 * number for number in range(11)]


def test_a_server_that_brings_nothing_new_is_left(site, origin):
    origin.fault(PATH, faults.truncate(500_000))
    origin.always(PATH, faults.truncate(0))

    with pytest.raises(Unreachable, match="500000 of 3000001"):
        site.fetch()
    assert site.left() == [500_000]


def test_a_server_without_ranges_that_always_cuts_is_left(site, origin):
    origin.always(PATH, lambda *a: faults.truncate(900_000)(faults.no_range()(*a), *a[1:]))

    with pytest.raises(Unreachable):
        site.fetch()


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        (faults.stall(700_000), Unreachable),
        (faults.status(404), NotThere),
        (faults.status(503), ServerTrouble),
        (faults.html(), Nonsense),
        (faults.gzipped(), Nonsense),
    ],
)
def test_a_failed_attempt_keeps_what_came_before(site, origin, fault, failure):
    origin.fault(PATH, faults.truncate(700_000))
    origin.always(PATH, fault)
    with pytest.raises(failure):
        site.fetch(stall_timeout_s=1.0)
    kept = site.left()
    origin.heal(PATH)

    assert site.fetch().sha256 == SHA256
    assert kept[0] >= 700_000
    assert starts(origin)[-1] == kept[0]


def test_a_stall_ends_the_attempt_and_the_next_goes_on(site, origin):
    origin.fault(PATH, faults.stall(1_500_000))
    with pytest.raises(Unreachable) as caught:
        site.fetch(stall_timeout_s=1.0)

    assert caught.value.stage == "stall"
    assert site.fetch().sha256 == SHA256
    assert starts(origin) == [0, 1_500_000]


def test_a_server_that_knows_no_ranges_sends_all_again(site, origin):
    interrupt(site, origin, 1_500_000)
    origin.always(PATH, faults.no_range())

    assert site.fetch().sha256 == SHA256
    assert "from the beginning" in site.texts


def test_a_file_that_changed_meanwhile_is_fetched_anew(site, origin):
    interrupt(site, origin, 1_500_000)
    origin.add(PATH, OTHER_DATA)

    found = site.fetch()

    assert found.sha256 == hashlib.sha256(OTHER_DATA).hexdigest()
    assert "from the beginning" in site.texts


def test_a_mixture_of_two_files_is_never_returned(site, origin):
    """The server has no ETags: only the published digits tell, when all is here."""
    origin.add(PATH, OTHER_DATA, etag="")
    interrupt(site, origin, 1_500_000, sha256_prefix=SHA256[:8])
    origin.add(PATH, DATA, etag="")

    assert site.fetch(sha256_prefix=SHA256[:8]).sha256 == SHA256
    assert starts(origin) == [0, 1_500_000, 0]
    assert "does not fit" in site.texts


def test_a_part_without_the_version_that_was_asked_for_is_not_taken(site, origin):
    interrupt(site, origin, 1_500_000)
    origin.add(PATH, OTHER_DATA, etag="")
    origin.fault(PATH, faults.ignore_if_range())

    assert site.fetch().sha256 == hashlib.sha256(OTHER_DATA).hexdigest()


@pytest.mark.parametrize("num_bytes", [1000, len(DATA)])
def test_a_part_that_does_not_say_its_total_is_not_the_end(site, origin, num_bytes):
    def without_total(answer, asked, held):
        part = faults.piecemeal(num_bytes)(answer, asked, held)
        text = part.headers["Content-Range"].rpartition("/")[0]
        return faults.with_headers(part, content_range=f"{text}/*")

    interrupt(site, origin, 1_500_000)
    origin.fault(PATH, without_total)

    assert site.fetch().sha256 == SHA256


def test_a_server_that_calls_a_piece_the_whole_is_asked_for_all(site, origin):
    interrupt(site, origin, 1_500_000)
    size = {"content_range": "bytes */1500000"}
    origin.fault(PATH, lambda *_: faults.with_headers(faults.Answer(status=416), **size))

    assert site.fetch().sha256 == SHA256


def test_bytes_that_rotted_on_the_disk_are_fetched_again(site, origin):
    interrupt(site, origin, 1_500_000, sha256=SHA256)
    [part] = site.folder.rglob("*.part")
    part.write_bytes(b"x" + part.read_bytes()[1:])

    assert site.fetch(sha256=SHA256).sha256 == SHA256


def test_another_server_goes_on_with_a_file_whose_digest_is_known(site, origin):
    interrupt(site, origin, 2_000_000, sha256=SHA256)

    with faulty_origin() as mirror:
        found = site.fetch(mirror.add(PATH, DATA), sha256=SHA256)

        assert found.sha256 == SHA256
        assert starts(mirror) == [2_000_000]


def test_another_server_begins_again_where_nothing_proves_the_whole(site, origin):
    interrupt(site, origin, 2_000_000)

    with faulty_origin() as mirror:
        assert site.fetch(mirror.add(PATH, OTHER_DATA)).path.read_bytes() == OTHER_DATA
        assert starts(mirror) == [0]
    assert "from the beginning: another server is asked" in site.texts


def test_another_server_with_a_file_of_another_size_begins_again(site, origin):
    interrupt(site, origin, 2_000_000, sha256=SHA256)

    with faulty_origin() as mirror:
        longer = DATA + b"more"
        found = site.fetch(mirror.add(PATH, longer), sha256=SHA256)

    assert found.path.read_bytes() == longer, "wrong, and not mixed: verification will say so"


def test_a_whole_proven_file_needs_no_server(site, origin):
    """A process was killed between the download and the conversion."""
    site.fetch(sha256_prefix=SHA256[:8])
    origin.remove(PATH)

    assert site.fetch(sha256_prefix=SHA256[:8]).sha256 == SHA256


def test_of_a_whole_unproven_file_the_last_byte_is_asked_for(site, origin):
    site.fetch()

    assert site.fetch().sha256 == SHA256
    assert starts(origin) == [0, len(DATA) - 1]


def test_a_file_without_a_length_arrives_whole(site, origin):
    origin.always(PATH, faults.length(-1))

    assert site.fetch().sha256 == SHA256


def test_an_empty_file_arrives(site, origin):
    origin.add(PATH, b"")

    assert site.fetch().size_bytes == 0


def test_progress_has_numbers_and_the_location(site, origin):
    origin.throttle._bytes_per_s = 6_000_000

    site.fetch()

    assert 1 <= len(site.told) <= 20
    assert {report.location for report in site.told} == {"origin"}
    assert [r.bytes_done for r in site.told] == sorted(r.bytes_done for r in site.told)
    assert (site.told[-1].bytes_done, site.told[-1].bytes_total) == (len(DATA), len(DATA))
    assert site.told[-1].bytes_per_s > 0 and site.told[-1].remaining_s == 0.0


def test_too_large_a_file_is_refused_before_its_first_byte(site, origin):
    origin.always(PATH, faults.length(10**15))

    with pytest.raises(DiskFull) as caught:
        site.fetch()

    metadata = caught.value.metadata
    assert int(metadata["need_bytes"]) >= 2 * 10**15, "the file and its conversion"
    assert int(metadata["free_bytes"]) > 0
    assert metadata["path"].startswith(str(site.folder)) and metadata["path"] in str(caught.value)
    assert site.left() in ([], [0])


@pytest.mark.parametrize("says", [10**9, -1])
def test_a_server_that_sends_far_more_than_published_is_left(site, origin, says):
    """Before the first byte where it says so, and else before the disk is full."""
    origin.add(PATH, bytes(70_000_000))
    origin.always(PATH, faults.length(says))

    with pytest.raises(Nonsense, match=r"resnet50.pth has 1000"):
        site.fetch(size_bytes=1000)


def test_a_hub_that_declares_another_file_begins_again(site, origin):
    interrupt(site, origin, 1_500_000, sha256="")
    [journal] = site.folder.rglob("downloads/*/*.json")
    journal.write_text(journal.read_text().replace('"sha256": ""', f'"sha256": "{"ab" * 32}"', 1))
    origin.always(PATH, declared(SHA256))

    assert site.fetch().sha256 == SHA256
    assert "declares another sha256" in site.texts


def declared(sha256):
    return lambda answer, asked, held: faults.with_headers(answer, x_linked_etag=f'"{sha256}"')


def test_a_failed_attempt_leaves_its_part_to_whoever_comes(site, origin):
    """Another process takes the file itself, not a copy, although this one lives."""
    interrupt(site, origin, 1_500_000)

    [journal] = site.folder.rglob("downloads/*/*.json")
    assert json.loads(journal.read_text())["owner"] is None


def test_names_that_a_server_suggests_are_not_used(site, origin):
    origin.always(PATH, faults.hostile_names())

    found = site.fetch()

    assert found.path.is_relative_to(site.folder / "downloads")
    assert found.path.name.removesuffix(".part").isalnum()


def test_secrets_of_a_url_are_nowhere_on_the_disk(site, origin):
    interrupt(site, origin, 1000, url=f"{site.url}?token=hf_secret")

    kept = b"".join(
        p.read_bytes() for p in site.folder.rglob("*") if p.suffix != ".part" and p.is_file()
    )
    assert b"etag" in kept and b"hf_secret" not in kept
    assert "hf_secret" not in site.texts


def test_stale_parts_are_swept_and_fresh_ones_stay(site, origin):
    interrupt(site, origin, 1000)

    assert site.downloads.sweep() == 0
    for path in (site.folder / "downloads").rglob("*"):
        os.utime(path, (time.time() - 8 * 24 * 3600,) * 2)
    assert site.downloads.sweep() == 1
    assert site.left() == []


def test_sweeping_before_the_first_download_is_nothing(site):
    assert site.downloads.sweep() == 0
