"""Reads settings from the environment and reports everything wrong with them at once."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BeforeValidator, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode

from catalog_service.errors import InvalidRequest, Violation
from catalog_service.serving.listen import Listen

SettingsT = TypeVar("SettingsT", bound=BaseSettings)


class SettingsInvalid(InvalidRequest):
    """The environment does not describe a service that could start."""

    reason = "SETTINGS_INVALID"


def _address(value: object) -> object:
    return Listen.parse(value) if isinstance(value, str) else value


def _paths(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(Path(part).expanduser() for part in value.split(os.pathsep) if part)


Address = Annotated[Listen, NoDecode, BeforeValidator(_address)]
"""A settings field for `host:port`."""

PathList = Annotated[tuple[Path, ...], NoDecode, BeforeValidator(_paths)]
"""A settings field for folders separated by `:` (`;` on Windows), `~` expanded."""


def read_settings(cls: type[SettingsT]) -> SettingsT:
    """Return settings made of defaults and environment variables.

    Raises:
        SettingsInvalid: one line and one violation for each bad variable, by its own name.
    """
    try:
        return cls()
    except ValidationError as error:
        raise _invalid(_violations(cls, error.errors())) from None


def variable_name(cls: type[BaseSettings], field: str) -> str:
    """Return the environment variable that sets a field."""
    return f"{cls.model_config.get('env_prefix', '')}{field}".upper()


def _violations(cls: type[BaseSettings], errors: Iterable[ErrorDetails]) -> list[Violation]:
    return [
        Violation(
            field=variable_name(cls, str(error["loc"][0])) if error["loc"] else "settings",
            description=f"{error['msg'].removeprefix('Value error, ')}, not {error['input']!r}",
        )
        for error in errors
    ]


def _invalid(violations: list[Violation]) -> SettingsInvalid:
    lines = "\n".join(f"  {v.field}: {v.description}" for v in violations)
    return SettingsInvalid(f"settings that cannot be used:\n{lines}", violations=violations)
