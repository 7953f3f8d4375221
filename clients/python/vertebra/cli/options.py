"""Options that several commands share."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])


def catalog_option(function: Function) -> Function:
    """Add `--catalog`."""
    return click.option(
        "--catalog",
        "catalog_address",
        metavar="HOST:PORT",
        envvar="VERTEBRA_CATALOG_ADDRESS",
        default="localhost:50551",
        show_default=True,
        help="Where the catalog listens; also VERTEBRA_CATALOG_ADDRESS.",
    )(function)


def trainer_option(function: Function) -> Function:
    """Add `--trainer`."""
    return click.option(
        "--trainer",
        "trainer_address",
        metavar="HOST:PORT",
        envvar="VERTEBRA_TRAINER_ADDRESS",
        default="localhost:50552",
        show_default=True,
        help="Where the trainer listens; also VERTEBRA_TRAINER_ADDRESS.",
    )(function)


def json_option(function: Function) -> Function:
    """Add `--json`."""
    return click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="Print JSON with the contract's field names.",
    )(function)


def filter_options(function: Function) -> Function:
    """Add `--filter` and `--order-by`."""
    return _listing_options(
        "Such as 'num_parameters < 30000000 AND gflops < 2'.", "Such as 'num_parameters desc'."
    )(function)


def job_filter_options(function: Function) -> Function:
    """Add the same for jobs, which have other fields."""
    return _listing_options(
        "By job_id, display_name, state, backbone, create_time, end_time, priority and"
        " labels.NAME, such as 'state = failed AND priority > 0'.",
        "Such as 'priority desc'; labels give no order.",
    )(function)


def _listing_options(filter_help: str, order_help: str) -> Callable[[Function], Function]:
    """Return what adds `--filter` and `--order-by`."""

    def add(function: Function) -> Function:
        ordered = click.option(
            "--order-by", "--order", metavar="FIELDS", default="", help=order_help
        )(function)
        return click.option(
            "--filter", "filter_text", metavar="FILTER", default="", help=filter_help
        )(ordered)

    return add


def joined_filter(*parts: str) -> str:
    """Return the parts that say something, joined by AND."""
    return " AND ".join(part for part in parts if part)


def pattern_filter(field: str, pattern: str) -> str:
    """Return the filter for a name pattern; without a `*` it matches anywhere in the name."""
    if not pattern:
        return ""
    wanted = pattern if "*" in pattern else f"*{pattern}*"
    return f'{field} : "{wanted}"'
