"""Reads settings from the environment and reports everything wrong with them at once."""

import difflib
import os
import re
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


def _urls(value: object) -> object:
    if not isinstance(value, str):
        return value
    urls = tuple(value.replace(",", " ").split())
    if wrong := [url for url in urls if "://" not in url]:
        raise ValueError(
            f"{len(wrong)} of {len(urls)} are no URL: it begins with https:// or the like"
        )
    return urls


def _path(value: object) -> object:
    return Path(value).expanduser() if isinstance(value, str) and value else value


def _none_if_empty(value: object) -> object:
    return None if value == "" else _path(value)


ExpandedPath = Annotated[Path, BeforeValidator(_path)]
"""A settings field for a file or folder, `~` expanded."""

OptionalPath = Annotated[Path | None, BeforeValidator(_none_if_empty)]
"""The same; empty means not given."""

Address = Annotated[Listen, NoDecode, BeforeValidator(_address)]
"""A settings field for `host:port`."""

UrlList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_urls)]
"""A settings field for URLs separated by commas or spaces."""

PathList = Annotated[tuple[Path, ...], NoDecode, BeforeValidator(_paths)]
"""A settings field for folders separated by `:` (`;` on Windows), `~` expanded."""


_SECRET = re.compile(
    r"token|secret|password|_url$|_keys?$|proxy$|mirrors$|endpoint$|^http$", re.IGNORECASE
)
"""Fields whose values are never repeated, also by a name such as HF_TOKEN; the URL of a database, a
proxy or a mirror may hold a password."""

_OF_KUBERNETES = re.compile(r"SERVICE_(HOST|PORT(_.+)?)|PORT(_\d+_.+)?")
"""Variables that Kubernetes sets in every pod for a service `vertebra-catalog`.

Source: https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables.
"""


_OF_CLIENTS = "ADDRESS"
"""`VERTEBRA_CATALOG_ADDRESS` is for clients, and may be set in a service's shell too."""


def read_settings(cls: type[SettingsT]) -> SettingsT:
    """Return settings made of defaults and environment variables.

    Raises:
        SettingsInvalid: one line and one violation for each bad variable, by its own name; an
            unknown variable with the settings' prefix is one, because it is a typing error.
    """
    unknown = _unknown_variables(cls)
    try:
        settings = cls()
    except ValidationError as error:
        raise settings_invalid([*_violations(cls, error.errors()), *unknown]) from None
    if unknown:
        raise settings_invalid(unknown)
    return settings


def variable_name(cls: type[BaseSettings], field: str) -> str:
    """Return the environment variable that sets a field: its alias, or the prefix and its name."""
    aliases = [info.validation_alias for info in cls.model_fields.values()]
    if field in aliases:
        return field
    known = cls.model_fields.get(field)
    if known is not None and isinstance(known.validation_alias, str):
        return known.validation_alias
    return f"{cls.model_config.get('env_prefix', '')}{field}".upper()


def settings_table(cls: type[BaseSettings]) -> list[tuple[str, str, str]]:
    """Return each variable with its default and its description, for documentation."""
    return [
        (variable_name(cls, name), str(field.default), field.description or "")
        for name, field in cls.model_fields.items()
    ]


def _unknown_variables(cls: type[BaseSettings]) -> list[Violation]:
    prefix = cls.model_config.get("env_prefix", "").upper()
    known = [variable_name(cls, name) for name in cls.model_fields]
    found = {name for name in os.environ if prefix and name.startswith(prefix)}
    return [
        Violation(field=name, description=_nearest(name, known))
        for name in sorted(found - {*known, prefix + _OF_CLIENTS})
        if not _OF_KUBERNETES.fullmatch(name.removeprefix(prefix))
    ]


def _nearest(name: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(name, known, n=1)
    return f"unknown; closest is {nearest[0]}" if nearest else f"unknown; known: {', '.join(known)}"


def _violations(cls: type[BaseSettings], errors: Iterable[ErrorDetails]) -> list[Violation]:
    return [
        Violation(field=variable_name(cls, _field(error)), description=_description(error))
        for error in errors
    ]


def _field(error: ErrorDetails) -> str:
    return str(error["loc"][0]) if error["loc"] else ""


def _description(error: ErrorDetails) -> str:
    problem = error["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if error["type"] == "model_type":
        problem = "no JSON object"
    if inner := ".".join(str(part) for part in error["loc"][1:]):
        problem = f"{inner}: {problem}"
    if error["type"] == "missing":
        return "is required"
    return problem if _SECRET.search(_field(error)) else f"{problem}, not {error['input']!r}"


def settings_invalid(violations: list[Violation]) -> SettingsInvalid:
    """Return one error for all of them, one line each."""
    lines = "\n".join(f"  {v.field}: {v.description}" for v in violations)
    return SettingsInvalid(
        f"{len(violations)} settings cannot be used:\n{lines}", violations=violations
    )
