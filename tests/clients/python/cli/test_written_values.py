"""Lists, amounts and sizes as people write them."""

from collections.abc import Callable

import click
import pytest

from vertebra.cli.written_values import amount, count, names, num_bytes, numbers, parsed, seconds


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (names, "cat, dog", ["cat", "dog"]),
        (count, "3", 3),
        (numbers, "256,64", [256, 64]),
        (amount, "30M", 30_000_000),
        (amount, "1.5g", 1_500_000_000),
        (amount, "7B", 7_000_000_000),
        (amount, "512", 512),
        (amount, "5 k", 5000),
        (num_bytes, "8GB", 8_000_000_000),
        (num_bytes, "6GiB", 6 * 2**30),
        (num_bytes, "512m", 512_000_000),
        (num_bytes, "1000", 1000),
        (seconds, "2h30m", 9000.0),
        (seconds, "1d 1h", 90_000.0),
        (seconds, "45min", 2700.0),
        (seconds, "0.5s", 0.5),
        (seconds, "90", 90.0),
    ],
)
def test_a_value_is_read_as_it_is_meant(
    parse: Callable[[str], object], text: str, value: object
) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (names, "@nowhere.txt"),
        (count, "0"),
        (count, str(2**31)),
        (numbers, "4,x"),
        (amount, "many"),
        (amount, "-5M"),
        (amount, "1" * 40),
        (num_bytes, "1" * 40),
        (num_bytes, ""),
        (seconds, ""),
        (seconds, "0s"),
        (seconds, "h"),
        (seconds, "30m2h"),
        (seconds, "9" * 12),
    ],
)
def test_what_is_none_is_refused(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(click.BadParameter):
        parse(text)


def test_what_was_not_given_is_not_parsed() -> None:
    assert parsed(amount)(None, None, None) is None
