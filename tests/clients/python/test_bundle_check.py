"""What is wrong with a bundle is found from its files alone, in a folder and in a tar."""

import hashlib
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.python.conftest import Shell
from vertebra.bundle_check import DAMAGED, FOREIGN, MISSING, Defect, defects
from vertebra.bundle_files import manifest_of, open_bundle
from vertebra.bundle_layout import BundleUnusable, blob_place, licence_place
from vertebra.cli import exit_codes

BLOBS = {"torchvision/A.V1": b"first" * 1000, "checkpoints/b": b"second" * 1000}
TEXT = b"pass me on"


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def entry(reference: str, data: bytes) -> dict[str, object]:
    return {"reference": reference, "blob_digest": digest(data), "size_bytes": len(data)}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A whole bundle of two blobs and a licence's text."""
    folder = tmp_path / "bundle"
    files = {blob_place(digest(data)): data for data in BLOBS.values()}
    files[licence_place("dinov3-license")] = TEXT
    manifest = {
        "format": "vertebra-bundle",
        "version": 1,
        "weights": [entry(*pair) for pair in BLOBS.items()],
        "licences": [
            {"licence": "dinov3-license", "text_sha256": hashlib.sha256(TEXT).hexdigest()}
        ],
    }
    files["manifest.json"] = json.dumps(manifest).encode()
    for place, data in files.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_bytes(data)
    return folder


def first_blob(bundle: Path) -> Path:
    return bundle / blob_place(digest(BLOBS["torchvision/A.V1"]))


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[1234] ^= 1
    path.write_bytes(data)


def found(path: Path) -> list[Defect]:
    with open_bundle(path) as files:
        return list(defects(files, manifest_of(files), lambda _: None))


def packed(bundle: Path, top: str = "") -> Path:
    """Return the same bundle as a tar."""
    path = bundle.with_suffix(".tar")
    with tarfile.open(path, "w") as tar:
        for each in sorted(bundle.rglob("*")):
            tar.add(each, top + each.relative_to(bundle).as_posix(), recursive=False)
    return path


Form = Callable[[Path], Path]
FORMS = [
    pytest.param(lambda path: path, id="folder"),
    pytest.param(packed, id="tar"),
    pytest.param(lambda path: packed(path, "bundle/"), id="tar of the folder"),
]


@pytest.mark.parametrize("form", FORMS)
def test_a_whole_bundle_has_no_defect(bundle: Path, form: Form) -> None:
    assert found(form(bundle)) == []


@pytest.mark.parametrize("form", FORMS)
def test_one_flipped_bit_names_its_blob_and_what_it_is(bundle: Path, form: Form) -> None:
    flip(first_blob(bundle))

    (defect,) = found(form(bundle))

    assert (defect.kind, defect.references) == (DAMAGED, ("torchvision/A.V1",))
    assert defect.place.endswith(first_blob(bundle).name)


@pytest.mark.parametrize("form", FORMS)
def test_a_missing_blob_and_a_cut_text_are_named(bundle: Path, form: Form) -> None:
    first_blob(bundle).unlink()
    (bundle / licence_place("dinov3-license")).write_bytes(TEXT[:-1])

    kinds = {defect.kind for defect in found(form(bundle))}

    assert kinds == {MISSING, DAMAGED}


@pytest.mark.parametrize("form", FORMS)
def test_what_the_manifest_does_not_name_is_foreign(bundle: Path, form: Form) -> None:
    (bundle / "blobs/sha256/extra").write_bytes(b"")
    (bundle / "run-me.sh").write_text("rm -rf /")

    places = [(defect.place, defect.kind) for defect in found(form(bundle))]

    assert places == [("blobs/sha256/extra", FOREIGN), ("run-me.sh", FOREIGN)]


@pytest.mark.parametrize("form", FORMS)
def test_a_link_is_no_blob_even_to_the_right_bytes(
    bundle: Path, form: Form, tmp_path: Path
) -> None:
    elsewhere = first_blob(bundle).rename(tmp_path / "elsewhere")
    first_blob(bundle).symlink_to(elsewhere)

    (defect,) = found(form(bundle))

    assert (defect.kind, defect.text) == (DAMAGED, "is no plain file")


def test_a_linked_folder_is_not_followed(bundle: Path, tmp_path: Path) -> None:
    (bundle / "blobs").rename(tmp_path / "blobs")
    (bundle / "blobs").symlink_to(tmp_path / "blobs")

    kinds = sorted(defect.kind for defect in found(bundle))

    assert kinds == [MISSING, MISSING, FOREIGN]


def test_a_member_that_climbs_out_of_a_tar_is_foreign_and_never_written(
    bundle: Path, tmp_path: Path
) -> None:
    path = packed(bundle)
    with tarfile.open(path, "a") as tar:
        tar.addfile(tarfile.TarInfo("../climbed"))

    (defect,) = found(path)

    assert (defect.place, defect.kind) == ("../climbed", FOREIGN)
    assert not (tmp_path / "climbed").exists()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b'{"format": "other"}',
        b'{"format": "vertebra-bundle", "version": 2}',
        b'{"format": "vertebra-bundle", "version": 1, "weights": 3}',
        b'{"format": "vertebra-bundle", "version": 1, "weights": [{"blob_digest": "../x"}]}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_what_is_no_manifest_is_said_in_one_sentence(bundle: Path, data: bytes) -> None:
    (bundle / "manifest.json").write_bytes(data)

    with pytest.raises(BundleUnusable) as caught:
        found(bundle)

    assert "manifest.json" in str(caught.value)
    assert len(str(caught.value)) < 500


def test_two_licences_never_share_a_file() -> None:
    names = ["CC BY 4.0", "CC-BY-4.0", "CC_BY_4.0", "../../etc/passwd", "a" * 200, "a" * 201, ""]

    places = {licence_place(name) for name in names}

    assert len(places) == len(names)
    assert all(place.count("/") == 1 and ".." not in place for place in places)


def test_a_whole_bundle_is_verified_without_a_service(shell: Shell, bundle: Path) -> None:
    code, out, err = shell("mirror", "verify", str(bundle))

    assert (code, err) == (exit_codes.OK, "")
    assert "is whole" in out.splitlines()[0]
    assert digest((bundle / "manifest.json").read_bytes())[7:] in out


def test_a_damaged_bundle_ends_with_a_code_and_the_blobs_name(shell: Shell, bundle: Path) -> None:
    flip(first_blob(bundle))

    code, _, err = shell("mirror", "verify", str(bundle))

    assert code == exit_codes.REFUSED
    assert first_blob(bundle).name in err and "torchvision/A.V1" in err


def test_another_manifest_than_announced_is_refused(shell: Shell, bundle: Path) -> None:
    good = digest((bundle / "manifest.json").read_bytes())

    assert shell("mirror", "verify", str(bundle), "--sha256", good)[0] == exit_codes.OK
    assert shell("mirror", "verify", str(bundle), "--sha256", good[7:].upper())[0] == exit_codes.OK
    code, _, err = shell("mirror", "verify", str(bundle), "--sha256", "0" * 64)

    assert code == exit_codes.REFUSED
    assert "another bundle" in err


def test_a_folder_without_a_manifest_says_what_to_do(shell: Shell, tmp_path: Path) -> None:
    code, _, err = shell("mirror", "verify", str(tmp_path))

    assert code == exit_codes.REFUSED
    assert "run the same export again" in err


def test_a_file_that_is_no_tar_and_a_path_that_is_not_there_are_said(
    shell: Shell, tmp_path: Path
) -> None:
    (tmp_path / "x.tar").write_bytes(os.urandom(2000))

    assert "no uncompressed tar" in shell("mirror", "verify", str(tmp_path / "x.tar"))[2]
    assert "does not exist" in shell("mirror", "verify", str(tmp_path / "y.tar"))[2]
