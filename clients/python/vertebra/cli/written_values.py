"""Values as people write them on a command line: lists, amounts, sizes.

Plain functions for click's `callback`: its typed parameter classes differ between releases.
"""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Value = TypeVar("Value")

FACTORS = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "b": 1e9}
"""`30M` parameters; a `B` is a billion of them."""


MAX_COUNT = 2**31 - 1
"""The largest int32."""

MAX_AMOUNT = 2**63 - 1
"""The largest int64."""


def parsed(parse: Callable[[str], Value]) -> Callable[[Any, Any, str | None], Value | None]:
    """Return the callback of an option: what was given goes through `parse`."""
    return lambda _context, _option, text: None if text is None else parse(text)


def names(text: str) -> list[str]:
    """Return the names in `cat,dog`, or those of `@names.txt`, which has one a line.

    Raises:
        click.BadParameter: the file cannot be read.
    """
    if not text.startswith("@"):
        return [name.strip() for name in text.split(",")]
    try:
        lines = Path(text[1:]).read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise click.BadParameter(f"{text[1:]!r} cannot be read: {error}") from error
    return [line.strip() for line in lines if line.strip()]


def count(text: str) -> int:
    """Return the whole number in `3`, from 1 to what the contract's fields hold.

    Raises:
        click.BadParameter: something else.
    """
    if not text.isdecimal() or not 1 <= int(text) <= MAX_COUNT:
        raise click.BadParameter(f"{text!r} is not a whole number from 1 on")
    return int(text)


def numbers(text: str) -> list[int]:
    """Return the numbers in `256,64`.

    Raises:
        click.BadParameter: something else.
    """
    try:
        return [0 if number == "0" else count(number) for number in text.split(",")]
    except click.BadParameter as error:
        why = f"{text!r} is not whole numbers and commas, such as 256,64"
        raise click.BadParameter(why) from error


def decimals(text: str) -> list[float]:
    """Return the numbers in `0.485,0.456,0.406`.

    Raises:
        click.BadParameter: something else.
    """
    try:
        found = [float(number) for number in text.split(",")]
    except ValueError as error:
        why = f"{text!r} is not numbers and commas, such as 0.485,0.456,0.406"
        raise click.BadParameter(why) from error
    if not all(map(math.isfinite, found)):
        raise click.BadParameter(f"{text!r} has a number that is none")
    return found


def amount(text: str) -> int:
    """Return the number in `30M`, `1.5G`, `500k` or `30000000`.

    Raises:
        click.BadParameter: something else.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgb]?)", text.strip().lower())
    value = round(float(found[1]) * FACTORS[found[2]]) if found else -1
    if not 0 <= value <= MAX_AMOUNT:
        raise click.BadParameter(f"{text!r} is not a number such as 30M")
    return value


_TIME = re.compile(
    r"(?:(?P<d>\d+)d)?(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m(?:in)?)?(?:(?P<s>\d+(?:\.\d+)?)s?)?"
)
_SECONDS_OF = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0}

MAX_SECONDS = 10**10
"""Some three hundred years: the contract's durations hold a little more."""


def seconds(text: str) -> float:
    """Return the seconds in `2h30m`, `45min`, `90s`, `1d` or `90`.

    Raises:
        click.BadParameter: something else, or no time at all.
    """
    found = _TIME.fullmatch(text.replace(" ", "").lower())
    parts = found.groupdict("0") if found else {}
    total = sum(float(number) * _SECONDS_OF[unit] for unit, number in parts.items())
    if not 0 < total <= MAX_SECONDS:
        raise click.BadParameter(f"{text!r} is not a time such as 90s, 45min or 2h30m")
    return total


def num_bytes(text: str) -> int:
    """Return the number of bytes in `8GB`, `512MB` or `6GiB`.

    Raises:
        click.BadParameter: something else.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?", text.strip().lower())
    unit = 1024 if found and found[3] else 1000
    value = round(float(found[1]) * float(unit ** " kmgt".index(found[2] or " "))) if found else -1
    if not 0 <= value <= MAX_AMOUNT:
        raise click.BadParameter(f"{text!r} is not a size such as 8GB")
    return value
