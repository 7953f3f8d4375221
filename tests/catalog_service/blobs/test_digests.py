"""A blob has one name."""

import hashlib

import pytest

from catalog_service.blobs.digests import parse_digest, sha256_of_file
from catalog_service.errors import InvalidRequest

HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize("text", [f"sha256:{HEX}", f"blobs/sha256:{HEX}"])
def test_both_spellings_name_the_same_blob(text):
    assert parse_digest(text) == f"sha256:{HEX}"


WRONG = f"""
{HEX}
sha256:{HEX[1:]}
sha256:{HEX}0
sha256:{HEX.upper()}
md5:{HEX}
/sha256:{HEX}
blobs/../sha256:{HEX}
sha256:{"/." * 32}
""".splitlines()


@pytest.mark.parametrize("text", [*WRONG, f"sha256:{HEX}\n"])
def test_anything_else_is_refused(text):
    with pytest.raises(InvalidRequest, match="is not a blob"):
        parse_digest(text)


def test_the_digest_of_a_file_is_that_of_its_bytes(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")

    assert sha256_of_file(tmp_path / "file") == f"sha256:{hashlib.sha256(b'abc').hexdigest()}"
