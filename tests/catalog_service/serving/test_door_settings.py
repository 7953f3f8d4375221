"""Which settings go together, and what a server that is open to others says of itself."""

import os
import subprocess
import sys

import pytest

from catalog_service.errors import Precondition
from catalog_service.serving.door_settings import doors_of
from catalog_service.serving.listen import Listen
from catalog_service.serving.settings_reader import SettingsInvalid, read_settings
from catalog_service.settings import CatalogSettings
from tests.fakes.authority import Authority, Issuer
from trainer_service.settings import TrainerSettings

EVERYWHERE = Listen(host="0.0.0.0", port=0)


@pytest.fixture
def files(tmp_path) -> dict[str, str]:
    """Return settings that all go together."""
    authority = Authority()
    cert, key = authority.files(tmp_path, "server", hosts=["127.0.0.1"])
    (tmp_path / "access.toml").write_text('[[caller]]\nname = "jwt:*"\nroles = ["user"]\n')
    (tmp_path / "keys.json").write_bytes(Issuer().key_set())
    return {
        "LISTEN": "0.0.0.0:0",
        "TLS_CERT": str(cert),
        "TLS_KEY": str(key),
        "TLS_CLIENT_CA": str(authority.file(tmp_path)),
        "ACCESS": str(tmp_path / "access.toml"),
        "MESH_IDENTITIES": "spiffe://studio/ns/mesh/sa/gateway",
        "JWT_ISSUER": "https://login.studio.test",
        "JWT_AUDIENCE": "vertebra",
        "JWT_KEYS": str(tmp_path / "keys.json"),
        "JWT_ALGORITHMS": "RS256, ES256",
    }


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in [name for name in os.environ if name.startswith("VERTEBRA_")]:
        monkeypatch.delenv(name)


def doors(monkeypatch, settings=CatalogSettings, **values: str):
    prefix = settings.model_config["env_prefix"]
    for name, value in values.items():
        monkeypatch.setenv(f"{prefix}{name}", value)
    return doors_of(read_settings(settings))


@pytest.mark.parametrize("settings", [CatalogSettings, TrainerSettings])
def test_all_of_them_together_make_doors(monkeypatch, files, settings):
    made = doors(monkeypatch, settings, **files)

    assert made.certificates and made.access and made.identity
    assert made.worries(EVERYWHERE) == []


@pytest.mark.parametrize("settings", [CatalogSettings, TrainerSettings])
def test_nothing_given_is_open_to_this_machine(monkeypatch, settings):
    made = doors(monkeypatch, settings)

    assert (made.certificates, made.access, made.identity) == (None, None, None)
    assert not made.worries(Listen(host="127.0.0.1", port=0))


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "[::]:0", "10.0.0.7:50551", "studio.test:1"])
def test_plain_text_beyond_this_machine_is_said_aloud_or_refused(monkeypatch, listen):
    with pytest.raises(SettingsInvalid, match=r"VERTEBRA_CATALOG_LISTEN: .* PLAINTEXT=1"):
        doors(monkeypatch, LISTEN=listen)

    made = doors(monkeypatch, LISTEN=listen, PLAINTEXT="1")

    plain, open_to_all = made.worries(Listen.parse(listen))
    assert "plain text" in plain and "everything" in open_to_all


@pytest.mark.parametrize(
    ("left_out", "told"),
    [
        (["TLS_KEY"], "VERTEBRA_CATALOG_TLS_KEY: is missing beside the certificate"),
        (["TLS_CERT"], "VERTEBRA_CATALOG_TLS_CERT: is missing beside the key"),
        (["ACCESS"], "VERTEBRA_CATALOG_ACCESS: is missing"),
        (["TLS_CLIENT_CA"], "VERTEBRA_CATALOG_TLS_CLIENT_CA: is missing: a gateway"),
        (["JWT_AUDIENCE"], "issuer, audience and keys come together"),
        (["JWT_KEYS", "JWT_ISSUER"], "issuer, audience and keys come together"),
        (["TLS_CERT", "TLS_KEY"], "VERTEBRA_CATALOG_TLS_CERT: is missing: callers show"),
    ],
)
def test_what_does_not_go_together_is_refused_by_name(monkeypatch, files, left_out, told):
    left = {name: value for name, value in files.items() if name not in left_out}

    with pytest.raises(SettingsInvalid, match=told):
        doors(monkeypatch, **left)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("JWT_ALGORITHMS", "none", "should be some of RS256"),
        ("JWT_ALGORITHMS", "HS256", "should be some of RS256"),
        ("JWT_ALGORITHMS", "RS256,HS256", "should be some of RS256"),
        ("JWT_ALGORITHMS", "", "should be some of RS256"),
        ("JWT_KEYS", "http://login.studio.test/keys", "https://"),
        ("JWT_KEYS", "https://me:hidden@login.studio.test/keys", "without a password"),
        ("MESH_IDENTITIES", "*", "should be SPIFFE ids"),
        ("MESH_IDENTITIES", "spiffe://", "should be SPIFFE ids"),
    ],
)
def test_values_that_would_open_too_much_are_refused(monkeypatch, files, name, value, told):
    with pytest.raises(SettingsInvalid, match=told) as refused:
        doors(monkeypatch, **{**files, name: value})

    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("TLS_KEY", "holds no private key"),
        ("TLS_CERT", "holds no certificates"),
        ("TLS_CLIENT_CA", "holds no certificates"),
        ("ACCESS", "is no TOML"),
    ],
)
def test_a_file_that_is_wrong_is_refused_at_the_start(monkeypatch, tmp_path, files, name, told):
    wrong = tmp_path / "wrong"
    wrong.write_text("not what it should be")

    with pytest.raises(Precondition, match=told):
        doors(monkeypatch, **{**files, name: str(wrong)})


def test_a_service_that_cannot_have_its_doors_ends_with_one_line(tmp_path):
    given = {
        "VERTEBRA_CATALOG_ACCESS": str(tmp_path / "none"),
        "VERTEBRA_CATALOG_HOME": str(tmp_path),
    }

    ended = subprocess.run(
        [sys.executable, "-m", "catalog_service"],
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert ended.stderr.startswith("cannot read ")
