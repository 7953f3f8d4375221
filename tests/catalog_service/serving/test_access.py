"""The access file: what it says, and every way in which it can be wrong."""

import hashlib
import re

import pytest

from catalog_service.serving.access import AccessFile, AccessUnusable, read_access
from catalog_service.serving.principals import Role
from catalog_service.serving.settings_reader import settings_table
from catalog_service.settings import CatalogSettings
from tests import pages
from trainer_service.settings import TrainerSettings

DIGEST = hashlib.sha256(b"secret-of-ci").hexdigest()


def said(tmp_path, text: str):
    path = tmp_path / "access.toml"
    path.write_text(text)
    return read_access(path)


def test_the_first_row_that_fits_decides(tmp_path):
    access = said(
        tmp_path,
        """
        [[caller]]
        name = "spiffe://studio/ns/ml/sa/ann"
        roles = ["operator"]
        [[caller]]
        name = "spiffe://studio/ns/ml/*"
        roles = ["viewer", "user"]
        calls_at_once = 3
        calls_per_second = 0.5
        """,
    )

    ann = access.principal("spiffe://studio/ns/ml/sa/ann")
    bob = access.row_of("spiffe://studio/ns/ml/sa/bob")
    assert ann.roles == {Role.OPERATOR}
    assert (bob.roles, bob.calls_at_once, bob.calls_per_second) == (
        {Role.VIEWER, Role.USER},
        3,
        0.5,
    )
    assert access.principal("spiffe://elsewhere/ns/ml/sa/bob").roles == frozenset()


def test_a_token_can_be_changed_without_a_gap_and_expires(tmp_path):
    new = hashlib.sha256(b"new").hexdigest()
    access = said(
        tmp_path,
        f"""
        [[caller]]
        name = "token:ci"
        token_sha256 = ["{DIGEST}", "{new}"]
        expires = 2030-01-01T00:00:00Z
        roles = ["user"]
        """,
    )

    holders = [access.holder_of(token) for token in ("secret-of-ci", "new")]
    assert {holder.name for holder in holders} == {"token:ci"}
    assert {holder.expires_at for holder in holders} == {1893456000}
    assert access.holder_of("secret-of-c") is None


def test_the_digest_is_not_a_token(tmp_path):
    access = said(
        tmp_path, f'[[caller]]\nname = "token:ci"\ntoken_sha256 = "{DIGEST}"\nroles = ["user"]'
    )

    assert access.holder_of(DIGEST) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[caller", "is no TOML"),
        ('[[caller]]\nname = "jwt:a"', r"caller\.0\.roles: Field required"),
        ('[[caller]]\nname = "jwt:a"\nroles = ["root"]', "'viewer', 'user' or 'operator'"),
        ('[[caller]]\nname = "jwt:a"\nroles = []\nrole = "user"', "role: Extra inputs"),
        ('[[callers]]\nname = "jwt:a"\nroles = []', "callers: Extra inputs"),
        ('[[caller]]\nname = "*"\nroles = ["user"]', r"begins with token:, jwt:, spiffe://"),
        ('[[caller]]\nname = "ann"\nroles = ["user"]', "is no name of a caller"),
        ('[[caller]]\nname = "jwt:a"\nroles = []\ncalls_at_once = 0', "greater than or equal to 1"),
        ('[[caller]]\nname = "jwt:a"\nroles = []\ncalls_per_second = nan', "finite"),
        (
            f'[[caller]]\nname = "token:*"\nroles = []\ntoken_sha256 = "{DIGEST}"',
            "name one caller, token:NAME",
        ),
        (
            '[[caller]]\nname = "jwt:a"\nroles = []\nexpires = 2030-01-01T00:00:00Z',
            "expires: give a token with it",
        ),
        (
            f'[[caller]]\nname = "token:a"\nroles = []\ntoken_sha256 = "{DIGEST}"\n'
            f'[[caller]]\nname = "token:b"\nroles = []\ntoken_sha256 = "{DIGEST}"',
            "'token:b' has the token of another row",
        ),
    ],
)
def test_a_file_that_is_wrong_is_refused_in_words(tmp_path, text, told):
    with pytest.raises(AccessUnusable, match=told):
        said(tmp_path, text)


@pytest.mark.parametrize("value", ['"secret-of-ci"', '["secret-of-ci"]', "7", f'"{DIGEST[:-1]}"'])
def test_a_token_written_in_place_of_its_digest_is_not_repeated(tmp_path, value):
    with pytest.raises(AccessUnusable, match="not the token itself") as refused:
        said(tmp_path, f'[[caller]]\nname = "token:ci"\nroles = []\ntoken_sha256 = {value}')

    assert "secret-of-ci" not in str(refused.value)


def test_a_file_that_is_not_there_is_refused_at_the_start_and_waited_for_later(tmp_path, caplog):
    path = tmp_path / "access.toml"
    with pytest.raises(AccessUnusable, match="cannot read"):
        AccessFile(path)
    path.write_text('[[caller]]\nname = "anonymous"\nroles = ["viewer"]')
    file = AccessFile(path)

    path.unlink()

    assert file.now().principal("anonymous").roles == {Role.VIEWER}
    assert file.now().principal("anonymous").roles == {Role.VIEWER}
    assert caplog.text.count("is not taken") == 1


def test_the_rows_that_the_page_shows_are_understood(tmp_path):
    section = pages.section("Who gets in")
    (toml,) = pages.shown("Who gets in", "toml")
    printed = section.partition("access.toml\n")[2].partition("```")[0]

    access = said(tmp_path, printed + toml)

    assert [row.name for row in access.rows] == ["token:ci", "spiffe://studio/ns/ml/*", "jwt:*"]
    assert len(access.tokens) == 1


def test_the_settings_that_the_page_shows_are_there():
    section = pages.section("Who gets in")
    known = {
        name
        for settings in (CatalogSettings, TrainerSettings)
        for name, *_ in settings_table(settings)
    }

    shown = set(re.findall(r"VERTEBRA_(?:CATALOG|TRAINER)_[A-Z_]+", section))

    assert len(shown) > 8
    assert shown <= known


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_a_file_that_was_emptied_to_be_written_anew_leaves_the_last_callers(tmp_path, text, caplog):
    """Editors and `>` empty a file first: nobody would be let in meanwhile, and streams cut."""
    path = tmp_path / "access.toml"
    path.write_text('[[caller]]\nname = "anonymous"\nroles = ["viewer"]')
    file = AccessFile(path)

    path.write_text(text)

    assert file.now().row_of("anonymous") is not None
    assert "is empty" in caplog.text
    assert not file.is_taken


def test_a_comment_alone_lets_nobody_in(tmp_path):
    path = tmp_path / "access.toml"
    path.write_text('[[caller]]\nname = "anonymous"\nroles = ["viewer"]')
    file = AccessFile(path)

    path.write_text("# nobody")

    assert file.now().row_of("anonymous") is None
    assert file.is_taken


def test_a_file_that_everybody_may_write_is_said_aloud(tmp_path, caplog):
    path = tmp_path / "access.toml"
    path.write_text('[[caller]]\nname = "anonymous"\nroles = ["viewer"]')
    path.chmod(0o666)

    AccessFile(path)

    assert "everybody on this host may write" in caplog.text
    caplog.clear()
    path.chmod(0o644)
    AccessFile(path)
    assert not caplog.records
