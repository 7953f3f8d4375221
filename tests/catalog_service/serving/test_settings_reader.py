"""Everything wrong with the environment is said at once, by the variables' own names."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from catalog_service.serving.listen import Listen
from catalog_service.serving.settings_reader import (
    Address,
    PathList,
    SettingsInvalid,
    read_settings,
    settings_table,
)


class ExampleSettings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="VERTEBRA_EXAMPLE_", frozen=True, use_attribute_docstrings=True
    )

    listen: Address = Listen(host="127.0.0.1", port=50551)
    """Where the service answers."""
    mirrors: PathList = ()
    """Folders with weights."""
    workers: Annotated[int, Field(ge=1)] = 1
    """Torch processes."""
    log_format: Literal["json", "text"] = "text"
    """How a log line looks."""
    token: SecretStr = SecretStr("")
    """What callers must show."""
    database_url: str = "sqlite://"
    """Where jobs are."""


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in ("LISTEN", "MIRRORS", "WORKERS", "LOG_FORMAT", "TOKEN", "DATABASE_URL"):
        monkeypatch.delenv(f"VERTEBRA_EXAMPLE_{name}", raising=False)


def set_variables(monkeypatch, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"VERTEBRA_EXAMPLE_{name}", value)


def test_without_variables_the_defaults_hold():
    assert read_settings(ExampleSettings) == ExampleSettings()


def test_variables_win(monkeypatch):
    set_variables(monkeypatch, LISTEN="[::1]:0", MIRRORS="/a:~/b:", WORKERS="3")

    settings = read_settings(ExampleSettings)

    assert settings.listen == Listen(host="[::1]", port=0)
    assert settings.mirrors == (Path("/a"), Path("~/b").expanduser())
    assert settings.workers == 3


def test_all_bad_variables_are_told_together_one_line_each(monkeypatch):
    set_variables(monkeypatch, LISTEN="50551", WORKERS="0", LOG_FORMAT="xml")

    with pytest.raises(SettingsInvalid) as raised:
        read_settings(ExampleSettings)

    first, *lines = str(raised.value).splitlines()
    assert first == "3 settings cannot be used:"
    assert [line.split(":")[0].strip() for line in lines] == [
        "VERTEBRA_EXAMPLE_LISTEN",
        "VERTEBRA_EXAMPLE_WORKERS",
        "VERTEBRA_EXAMPLE_LOG_FORMAT",
    ]
    assert "host:port" in lines[0] and "'50551'" in lines[0]
    assert "'0'" in lines[1] and "'json' or 'text'" in lines[2]


def test_a_misspelt_variable_is_not_ignored(monkeypatch):
    set_variables(monkeypatch, LISEN="127.0.0.1:1", WORKERS="none")

    with pytest.raises(SettingsInvalid) as raised:
        read_settings(ExampleSettings)

    assert "2 settings" in str(raised.value)
    assert "VERTEBRA_EXAMPLE_LISEN: unknown; closest is VERTEBRA_EXAMPLE_LISTEN" in str(
        raised.value
    )


def test_what_clients_read_is_not_taken_for_a_misspelling(monkeypatch):
    """`vertebra up` tells people to export it, and they start services in the same shell."""
    set_variables(monkeypatch, ADDRESS="localhost:50551")

    assert read_settings(ExampleSettings) == ExampleSettings()


def test_what_kubernetes_sets_for_a_service_of_that_name_is_ignored(monkeypatch):
    set_variables(
        monkeypatch,
        SERVICE_HOST="10.0.0.1",
        SERVICE_PORT="50551",
        SERVICE_PORT_GRPC="50551",
        PORT="tcp://10.0.0.1:50551",
        PORT_50551_TCP_ADDR="10.0.0.1",
    )

    assert read_settings(ExampleSettings) == ExampleSettings()


@pytest.mark.parametrize("name", ["TOKEN", "DATABASE_URL"])
def test_a_secret_is_never_shown(monkeypatch, name):
    class Strict(ExampleSettings):
        token: Annotated[SecretStr, Field(max_length=3)] = SecretStr("")
        database_url: Annotated[str, Field(max_length=3)] = ""

    set_variables(monkeypatch, **{name: "postgresql://me:hunter2@db"})

    with pytest.raises(SettingsInvalid) as raised:
        read_settings(Strict)

    assert f"VERTEBRA_EXAMPLE_{name}" in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_docstrings_under_fields_describe_the_variables():
    assert settings_table(ExampleSettings)[0] == (
        "VERTEBRA_EXAMPLE_LISTEN",
        "127.0.0.1:50551",
        "Where the service answers.",
    )
