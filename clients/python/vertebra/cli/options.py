"""Options that several commands share."""

from collections.abc import Callable
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What a list can be filtered and ordered by, as the contract says, and an example of each."""

    fields: str
    filter_example: str
    order_example: str


LISTS = {
    "architectures": Listed(
        fields="architecture_id, family, task, num_parameters, gflops, min_image_px,"
        " default_image_px, licences, is_buildable, is_quantized, is_cached, metric and"
        " backbone_architecture",
        filter_example="num_parameters < 30000000 AND gflops < 2",
        order_example="num_parameters desc",
    ),
    "weights": Listed(
        fields="reference, architecture_id, family, task, num_parameters, gflops, size_bytes,"
        " licence, is_default, is_cached, is_gated and metric",
        filter_example="is_default = true AND size_bytes < 100000000",
        order_example="metric desc",
    ),
    "compositions": Listed(
        fields="name, backbone, family, task, head, neck, is_default and is_published",
        filter_example="family = resnet AND is_default = true",
        order_example="backbone",
    ),
    "checkpoints": Listed(
        fields="checkpoint_id, architecture_id, backbone_digest, licence, method, parent and"
        " has_bytes",
        filter_example="architecture_id = resnet18 AND method = simclr",
        order_example="checkpoint_id",
    ),
    "cache": Listed(
        fields="digest, kind, used_by, size_bytes, create_time, last_used_time, is_pinned and"
        " is_leased",
        filter_example="kind = weights AND is_pinned = false",
        order_example="size_bytes desc",
    ),
    "jobs": Listed(
        fields="job_id, display_name, state, backbone, create_time, end_time, priority and"
        " labels.NAME",
        filter_example="state = failed AND priority > 0",
        order_example="priority desc",
    ),
}
"""List -> what its help says."""


def filter_options(listed: str) -> Callable[[Function], Function]:
    """Return what adds `--filter` and `--order-by` to a list of `LISTS`."""
    row = LISTS[listed]

    def add(function: Function) -> Function:
        ordered = click.option(
            "--order-by",
            "--order",
            metavar="FIELDS",
            default="",
            help=f"Such as '{row.order_example}'.",
        )(function)
        return click.option(
            "--filter",
            "filter_text",
            metavar="FILTER",
            default="",
            help=f"By {row.fields}, such as '{row.filter_example}'.",
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
