"""Bytes are proven or refuted, in the way in which they are wrong, and hashed once."""

import hashlib
import os
from pathlib import Path

import pytest

from catalog_service.blobs.records import Records
from catalog_service.weights import verification
from catalog_service.weights.pins import Pin, Pins
from catalog_service.weights.verification import Proof, Refutation, Verification
from catalog_service.weights.wanted_file import WantedFile

GOOD = b"the published bytes"
DIGEST = hashlib.sha256(GOOD).hexdigest()
OTHER = hashlib.sha256(b"other").hexdigest()
NAME = f"x-{DIGEST[:8]}.pth"

BY_PREFIX = WantedFile(reference="torchvision/x", file_name=NAME, sha256_prefix=DIGEST[:8])
BY_NAME = WantedFile(reference="torchvision/x", file_name="x.pth")


@pytest.fixture
def pins(tmp_path: Path) -> Pins:
    return Pins({}, tmp_path / "pins.json")


@pytest.fixture
def checking(tmp_path: Path, pins: Pins) -> Verification:
    return Verification(Records(tmp_path, "hashed_files"), pins)


def supplied(tmp_path: Path, file: WantedFile, pin: Pin) -> Verification:
    return Verification(Records(tmp_path, "hashed_files"), Pins({file.file_name: pin}, None))


def trusted(checking: Verification, file: WantedFile, place: str = "here") -> Proof | Refutation:
    """Judge the good bytes and trust them, as a search does after their conversion."""
    judged = checking.judge(file, DIGEST, len(GOOD), place)
    if isinstance(judged, Proof):
        checking.trust(file, judged, len(GOOD), place)
    return judged


def kind_of(judged: Proof | Refutation) -> str:
    return judged.kind


@pytest.mark.parametrize("size_bytes", [0, len(GOOD)])
def test_all_bits_of_a_supplied_pin_prove_in_full(tmp_path: Path, size_bytes: int) -> None:
    checking = supplied(tmp_path, BY_PREFIX, Pin(sha256=DIGEST, size_bytes=size_bytes))

    judged = checking.judge(BY_PREFIX, f"sha256:{DIGEST}", len(GOOD), "here")

    assert judged == Proof(digest=f"sha256:{DIGEST}", kind="full")


def test_what_the_source_itself_pins_is_proven_in_full(checking: Verification) -> None:
    file = WantedFile(reference="x", file_name="x", sha256=DIGEST)

    assert kind_of(checking.judge(file, DIGEST, len(GOOD), "here")) == "full"


def test_published_digits_prove_as_far_as_they_go(checking: Verification) -> None:
    """Also the second time, when the pin that was learnt from the first is compared as well."""
    kinds = [kind_of(trusted(checking, BY_PREFIX)) for _ in range(2)]

    assert kinds == ["prefix", "prefix"]


def test_bytes_with_nothing_to_compare_with_are_trusted_once(
    checking: Verification, pins: Pins
) -> None:
    first = trusted(checking, BY_NAME, "mirror /one")
    completed = pins.completed(BY_NAME)

    same = checking.judge(completed, DIGEST, len(GOOD), "mirror /two")
    other = checking.judge(BY_NAME, OTHER, len(GOOD), "mirror /two")

    assert kind_of(first) == kind_of(same) == "first_use"
    assert isinstance(other, Refutation)
    assert "as first seen" in other.detail
    assert "at mirror /one" in other.detail


def test_the_same_digits_with_other_bytes_are_refuted(checking: Verification) -> None:
    """Eight hex digits are no proof against somebody who tries; the learnt pin is."""
    forged = DIGEST[:8] + OTHER[8:]
    alone = checking.judge(BY_PREFIX, forged, len(GOOD), "here")
    assert isinstance(alone, Proof), "with digits alone a forged file passes"

    trusted(checking, BY_PREFIX)
    after = checking.judge(BY_PREFIX, forged, len(GOOD), "here")

    assert isinstance(after, Refutation)


@pytest.mark.parametrize(
    ("size_bytes", "declared", "kind"),
    [
        (len(GOOD) - 1, "", "truncated"),
        (len(GOOD) + 1, "", "replaced"),
        (len(GOOD), "", "corrupted"),
        (len(GOOD), OTHER, "replaced"),
        (len(GOOD), DIGEST, "corrupted"),
        (len(GOOD) - 1, OTHER, "truncated"),
    ],
)
def test_truncation_replacement_and_corruption_are_told_apart(
    tmp_path: Path, size_bytes: int, declared: str, kind: str
) -> None:
    checking = supplied(tmp_path, BY_PREFIX, Pin(sha256=DIGEST, size_bytes=len(GOOD)))

    judged = checking.judge(BY_PREFIX, OTHER, size_bytes, "here", declared_sha256=declared)

    assert isinstance(judged, Refutation)
    assert judged.kind == kind
    is_said = f"{size_bytes} of {len(GOOD)} bytes" in judged.detail
    assert is_said is (size_bytes != len(GOOD))


@pytest.mark.parametrize(
    ("size_bytes", "kind"),
    [(999_400, "truncated"), (999_600, "corrupted"), (1_000_400, "corrupted"), (2**20, "replaced")],
)
def test_a_rounded_size_still_tells_cut_from_damaged(
    checking: Verification, size_bytes: int, kind: str
) -> None:
    file = WantedFile(
        reference="x", file_name=NAME, sha256_prefix=DIGEST[:8], about_bytes=1_000_000
    )

    judged = checking.judge(file, OTHER, size_bytes, "here")

    assert kind_of(judged) == kind


def test_a_rounded_size_refutes_nothing(checking: Verification) -> None:
    file = WantedFile(reference="x", file_name=NAME, sha256_prefix=DIGEST[:8], about_bytes=10**6)

    assert isinstance(checking.judge(file, DIGEST, len(GOOD), "here"), Proof)


def test_what_the_server_announced_is_compared_too(checking: Verification, pins: Pins) -> None:
    judged = checking.judge(BY_NAME, DIGEST, len(GOOD), "here", declared_sha256=OTHER)

    assert isinstance(judged, Refutation)
    assert f"the server announced {OTHER[:8]}..." in judged.detail
    assert pins.of(BY_NAME) is None


def test_bytes_that_nobody_could_use_are_not_pinned(checking: Verification, pins: Pins) -> None:
    """An error page under the name of a file without digits is proven at first use, like any."""
    assert isinstance(checking.judge(BY_NAME, OTHER, 3, "mirror /one"), Proof)

    assert isinstance(trusted(checking, BY_NAME), Proof)

    pin = pins.of(BY_NAME)
    assert pin is not None
    assert pin.sha256 == DIGEST


def test_an_exact_size_without_a_digest_is_compared(checking: Verification) -> None:
    file = WantedFile(reference="x", file_name="x.pth", size_bytes=len(GOOD))

    assert kind_of(checking.judge(file, OTHER, len(GOOD) - 4, "here")) == "truncated"
    assert kind_of(checking.judge(file, DIGEST, len(GOOD), "here")) == "first_use"


def test_an_error_has_no_secret_of_its_url(checking: Verification) -> None:
    place = "https://me:hunter2@host/x.pth?signature=hunter2"

    judged = checking.judge(BY_PREFIX, OTHER, 3, place)

    assert isinstance(judged, Refutation)
    assert "hunter2" not in judged.detail
    assert "https://host/x.pth" in judged.detail


@pytest.mark.parametrize("content", [GOOD, b"some other bytes!!!"])
def test_a_file_is_hashed_once_whether_good_or_bad(
    tmp_path: Path, checking: Verification, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    path = tmp_path / NAME
    path.write_bytes(content)
    first = checking.check(path, BY_PREFIX)

    def hash_again(_: Path) -> str:
        raise AssertionError("it was hashed again")

    monkeypatch.setattr(verification, "sha256_of_file", hash_again)
    assert checking.check(path, BY_PREFIX) == first
    path.write_bytes(content)
    with pytest.raises(AssertionError, match="hashed again"):
        checking.check(path, BY_PREFIX)


def test_a_file_that_is_rewritten_with_its_old_times_is_hashed_again(
    tmp_path: Path, checking: Verification
) -> None:
    """At once: within one tick of the clock, where the times alone would not show it."""
    path = tmp_path / NAME
    path.write_bytes(GOOD)
    times = path.stat()
    assert isinstance(checking.check(path, BY_PREFIX), Proof)

    path.write_bytes(GOOD[::-1])
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    assert isinstance(checking.check(path, BY_PREFIX), Refutation)


def test_a_foreign_file_that_is_wrong_is_left_as_it_is(
    tmp_path: Path, checking: Verification
) -> None:
    path = tmp_path / NAME
    path.write_bytes(b"bad")
    before = path.stat()

    judged = checking.check(path, BY_PREFIX)

    assert isinstance(judged, Refutation)
    assert f"published is {DIGEST[:8]}..." in judged.detail
    assert judged.detail.endswith("left as it is")
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (b"bad", before.st_mtime_ns)


def test_a_note_of_another_release_is_not_believed(tmp_path: Path, checking: Verification) -> None:
    path = tmp_path / NAME
    path.write_bytes(GOOD)
    Records(tmp_path, "hashed_files").put(
        str(path), {"stamp": verification.stamp_of(path), "verdict": "bad"}
    )

    assert isinstance(checking.check(path, BY_PREFIX), Proof)
